"""The life of one streamed request, the same for every provider.

A provider adds a `WireRequest` (what to send) and a `Decoder` (what an event means).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

import requests

from builder.providers.abort import AbortSwitch
from builder.providers.body import ArrivingBody
from builder.providers.errors import ErrorCode, ProviderError
from builder.providers.failures import provider_error, read_error_body, retry_after
from builder.providers.network_failures import error_from_exception
from builder.providers.sse import EventTooLong, ServerSentEvent, ServerSentEventParser
from builder.providers.transport import open_session
from builder.providers.types import Endpoint, Finished, FinishReason, StreamEvent, TextDelta

_MAX_ERROR_BODY_BYTES = 65536
_ERROR_BODY_SECONDS = 10.0
#: How long the usage may follow the model's last word; then it counts as not reported.
_AFTER_FINISH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A POST, ready to be sent."""

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Decoder(Protocol):
    """Understands one stream of one provider; made anew for each."""

    #: Why the model stopped, once it said so.
    finish_reason: FinishReason | None
    #: The provider said that nothing more follows.
    ended: bool
    generation_id: str | None

    def headers(self, headers: Mapping[str, str]) -> None:
        """Take note of the response's headers."""

    def decode(self, event: ServerSentEvent) -> Iterator[StreamEvent]:
        """What `event` means. Raises ProviderError."""


class HttpStream:
    """A ProviderStream over HTTP and server-sent events."""

    def __init__(
        self,
        endpoint: Endpoint,
        build: Callable[[], WireRequest],
        decoder: Decoder,
        error_codes: Mapping[str, ErrorCode],
        hints: Mapping[ErrorCode, str] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._build = build
        self._decoder = decoder
        self._error_codes = error_codes
        self._hints = hints or {}
        self._switch = AbortSwitch()
        self._answering = False
        self._events = self._run()

    @property
    def generation_id(self) -> str | None:
        return self._decoder.generation_id

    def __iter__(self) -> Iterator[StreamEvent]:
        return self._events

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def abort(self) -> None:
        self._switch.abort()

    def close(self) -> None:
        try:
            self._events.close()
        except ValueError:
            # Another thread is inside the iterator: wake it up, it then cleans up itself.
            self._switch.abort()

    def _run(self) -> Generator[StreamEvent, None, None]:
        try:
            with contextlib.closing(self._converse()) as events:
                for event in events:
                    if self._switch.aborted:
                        break
                    yield event
            if self._switch.aborted:
                raise _aborted()
        except ProviderError as error:
            if self._switch.aborted:
                raise _aborted() from None
            if error.code in self._hints:
                error.add_hint(self._hints[error.code])
            raise
        except ValueError as error:
            # The libraries' ValueErrors quote the value: a header, and so the key.
            raise self._explain(error) from None
        except Exception as error:
            raise self._explain(error) from error
        finally:
            self._switch.release()

    def _explain(self, error: Exception) -> ProviderError:
        if self._switch.aborted:
            return _aborted()
        return error_from_exception(error, self._endpoint, answering=self._answering)

    def _converse(self) -> Generator[StreamEvent, None, None]:
        if self._switch.aborted:
            return
        endpoint = self._endpoint
        try:
            wire = self._build()
        except (TypeError, UnicodeError):
            raise ProviderError(
                "bad_request", "The request holds text that is not valid Unicode."
            ) from None
        with (
            open_session(endpoint, self._switch) as session,
            session.post(
                wire.url,
                data=wire.body,
                headers=wire.headers,
                stream=True,
                allow_redirects=False,
                timeout=(endpoint.connect_timeout_seconds, endpoint.read_timeout_seconds),
            ) as response,
        ):
            self._answering = True
            self._decoder.headers(response.headers)
            self._refuse_what_is_no_stream(response)
            yield from self._read_events(response)
        yield Finished(self._decoder.finish_reason or FinishReason.UNKNOWN)

    def _refuse_what_is_no_stream(self, response: requests.Response) -> None:
        content_type = response.headers.get("Content-Type", "")
        status = response.status_code
        if status == 200 and content_type.partition(";")[0].strip().lower() in _STREAM_TYPES:
            return
        if 300 <= status < 400:
            raise ProviderError("bad_response", "A redirect was refused.", status=status)
        body = self._read_error_body(response)
        report = read_error_body(body, content_type)
        if 200 <= status < 300 and not (b'"error"' in body and report.message):
            raise ProviderError(
                "bad_response", "The provider answered without a stream.", status=status
            )
        raise provider_error(
            report,
            self._endpoint,
            status=status if status >= 300 else None,
            overrides=self._error_codes,
            retry_after_seconds=retry_after(response.headers),
        )

    def _read_error_body(self, response: requests.Response) -> bytes:
        """As much as arrives in time. The status tells more than a body that breaks off."""
        body = bytearray()
        deadline = time.monotonic() + _ERROR_BODY_SECONDS
        self._switch.limit_silence(_ERROR_BODY_SECONDS)
        with contextlib.suppress(Exception):
            while len(body) < _MAX_ERROR_BODY_BYTES and time.monotonic() < deadline:
                chunk = response.raw.read1(_MAX_ERROR_BODY_BYTES, decode_content=True)
                if not chunk:
                    break
                body += chunk
        return bytes(body)

    def _read_events(self, response: requests.Response) -> Iterator[StreamEvent]:
        decoder = self._decoder
        parser = ServerSentEventParser()
        try:
            for chunk in self._chunks(response):
                yield from _joined(self._decoded(parser.feed(chunk)))
                if decoder.ended:
                    return
        except EventTooLong as error:
            raise ProviderError("bad_response", f"The provider sent {error}.") from None
        last = parser.finish()
        if last is not None:
            yield from self._decode_last(last)
        if not decoder.ended and decoder.finish_reason is None:
            raise ProviderError("cut", "The answer ended before the model had finished.")

    def _decoded(self, events: Iterable[ServerSentEvent]) -> Iterator[StreamEvent]:
        for event in events:
            yield from self._decoder.decode(event)
            if self._decoder.ended:
                return

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        """Bytes as they arrive. Once the model has finished, a failure only ends them."""
        body = ArrivingBody(response, self._switch)
        deadline: float | None = None
        while True:
            if self._decoder.finish_reason is not None:
                if deadline is None:
                    deadline = time.monotonic() + _AFTER_FINISH_SECONDS
                    self._switch.limit_silence(_AFTER_FINISH_SECONDS)
                elif time.monotonic() > deadline:
                    return
            try:
                chunk = body.read()
            except Exception:
                if deadline is None:
                    raise
                return
            if not chunk:
                return
            yield chunk

    def _decode_last(self, event: ServerSentEvent) -> Iterator[StreamEvent]:
        """An event without its end: taken if it is whole, else the stream was cut in it."""
        try:
            yield from self._decoder.decode(event)
        except ProviderError as error:
            if error.code != "bad_response":
                raise


def _joined(events: Iterator[StreamEvent]) -> Iterator[StreamEvent]:
    """Texts that arrived together as one, also before an error."""
    texts: list[str] = []
    try:
        for event in events:
            if isinstance(event, TextDelta):
                texts.append(event.text)
                continue
            if texts:
                yield TextDelta("".join(texts))
                texts = []
            yield event
    except ProviderError:
        if texts:
            yield TextDelta("".join(texts))
        raise
    if texts:
        yield TextDelta("".join(texts))


#: Without a type some gateways send the stream all the same.
_STREAM_TYPES = ("text/event-stream", "")


def _aborted() -> ProviderError:
    return ProviderError("aborted", "The request was stopped.")
