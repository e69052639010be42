"""Django under ASGI, with all of a request's synchronous work in one thread.

Django's own handler runs an asynchronous chain: each middleware and view that is synchronous, as
nearly all of ours and of Django's are, costs it a hop to a thread and back: some twenty a request,
half of its CPU. Here the whole chain, the same as under WSGI, is one call in a thread; only event
streams are relayed on the event loop, where thousands fit.
"""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_resolver, set_script_prefix

from config.bodies import body_max_bytes, spooled
from config.collector import spare_what_is_loaded

# As many as there may be database connections in a process; the interpreter uses one core anyway.
REQUEST_THREADS = 20


class Handler(ASGIHandler):
    """An ASGI application that answers as WSGI would, and relays what is asynchronous."""

    def __init__(self) -> None:
        super().__init__()
        get_resolver().url_patterns  # noqa: B018 - imports every view
        spare_what_is_loaded()
        self._threads = ThreadPoolExecutor(REQUEST_THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        """The synchronous chain, whatever Django's handler asks for."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is served here, not {scope['type']}")
        await self.handle(scope, receive, send)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Read the request, answer it in a thread; stream here what is asynchronous."""
        try:
            scope, body = await _read(scope, receive)
        except RequestAborted:
            return
        loop = asyncio.get_running_loop()

        def send_and_wait(message: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(send(message), loop).result()

        with body:
            response = await loop.run_in_executor(
                self._threads, self._answer, scope, body, send_and_wait
            )
            if not response.streaming:
                await self.send_response(response, send)
            elif response.is_async:
                try:
                    await self._relay(cast(StreamingHttpResponse, response), receive, send)
                finally:
                    # Here, without a hop: its view gave the database's connection back already.
                    response.close()

    def _answer(self, scope: Any, body: Any, send: Any) -> Any:
        """In a thread: the response; closed, and sent if it is a stream, unless that is
        asynchronous."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__
        if response.streaming and response.is_async:
            return response
        try:
            if response.streaming:
                # Its pieces may come from the database, whose connection is this thread's.
                self._send_stream(response, send)
        finally:
            response.close()
        return response

    def _send_stream(self, response: StreamingHttpResponse, send: Any) -> None:
        send(_start_of(response))
        for part in response:
            for chunk, _last in self.chunk_bytes(part):
                send({"type": "http.response.body", "body": chunk, "more_body": True})
        send({"type": "http.response.body"})

    async def _relay(self, response: StreamingHttpResponse, receive: Any, send: Any) -> None:
        """Until the stream ends or the client leaves."""
        relaying = asyncio.ensure_future(_send_parts(response, send))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((relaying, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, relaying):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, RequestAborted):
                    await task


async def _read(scope: Any, receive: Any) -> tuple[Any, IO[bytes]]:
    """The request's body, and the scope with its length. Of one that is too large nothing is read
    if it told its length, else no more than shows it; `config.bodies` refuses it by the length."""
    headers = dict(scope["headers"])
    content_type = headers.get(b"content-type", b"").decode("latin1")
    path = scope["path"].removeprefix(get_script_prefix(scope).rstrip("/"))
    most_bytes = body_max_bytes(path, content_type)
    told = headers.get(b"content-length")
    body = spooled()
    if told is not None and told.isdigit() and int(told[:20]) > most_bytes:
        return scope, body
    more = True
    while more and body.tell() <= most_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            raise RequestAborted
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    if told is None and body.tell():
        length = (b"content-length", str(body.tell()).encode())
        scope = {**scope, "headers": [*scope["headers"], length]}
    body.seek(0)
    return scope, body


async def _send_parts(response: StreamingHttpResponse, send: Any) -> None:
    await send(_start_of(response))
    parts: Any = response.streaming_content
    async for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


def _start_of(response: HttpResponseBase) -> dict[str, Any]:
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    headers += [
        (b"Set-Cookie", cookie.output(header="").encode("ascii").strip())
        for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}
