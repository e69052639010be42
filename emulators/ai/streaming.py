"""Writing one planned answer to one client, with the misbehaviour it was given.

This is also the upstream of the benchmarks: one `send` per chunk that is due, frames
that fell due together go out in one write, no task or timer besides the stream's own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

from starlette.types import Receive, Send

from emulators.ai.behaviour import Behaviour
from emulators.ai.plan import Plan
from emulators.ai.state import Seen
from emulators.ai.wire import Wire

_FRAMES_PER_WRITE = 64
_SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
]


class _Cut(Exception):
    """The stream ends here, by order."""


class _Gone(Exception):
    """The client went away."""


class Stream:
    """One streamed answer. `run` returns how it ended."""

    def __init__(
        self, *, wire: Wire, plan: Plan, behaviour: Behaviour, seen: Seen, send: Send
    ) -> None:
        self._wire = wire
        self._plan = plan
        self._behaviour = behaviour
        self._seen = seen
        self._send = send
        self._buffer: list[bytes] = []
        self._bytes_left = behaviour.cut_after_bytes
        self._loop = asyncio.get_running_loop()

    async def run(self, receive: Receive) -> str:
        """Send it all; a client that leaves ends it at once."""
        writing = asyncio.current_task()
        if writing is None:
            raise RuntimeError("a stream runs inside a task")
        watching = asyncio.create_task(_cancel_on_disconnect(receive, writing.cancel))
        try:
            return await self._run()
        except asyncio.CancelledError:
            if watching.done():
                writing.uncancel()
                return "client_closed"
            return "stopped"
        finally:
            watching.cancel()

    async def _run(self) -> str:
        headers = _SSE_HEADERS + self._wire.headers()
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            return await self._frames()
        except _Cut:
            await self._flush()
            if self._behaviour.cut_how == "eof":
                await self._send({"type": "http.response.body", "body": b""})
            return "cut"

    async def _frames(self) -> str:
        behaviour, wire = self._behaviour, self._wire
        await self._quiet(self._plan.first_token_seconds, comments=True)
        await self._write(wire.opening())
        marks = _Marks(behaviour, len(self._plan.reply.text))
        await self._texts(marks)
        if error := await self._marks_at(marks, None):
            return error
        if not behaviour.no_finish:
            await self._write(wire.ending(self._plan.reply))
        await self._flush()
        if self._bytes_left is not None:
            raise _Cut
        await self._send({"type": "http.response.body", "body": b""})
        return "finished"

    async def _texts(self, marks: _Marks) -> None:
        wait, seen, text = self._plan.chunk_seconds, self._seen, self._wire.text
        stamp = self._behaviour.stamp
        due = self._loop.time()
        offset = 0
        for chunk in self._plan.chunks:
            for piece in marks.split(chunk, offset):
                if offset >= marks.next and await self._marks_at(marks, offset):
                    return
                said = piece.replace(stamp, stamp_now(len(stamp))) if stamp else piece
                await self._write(text(said))
                offset += len(piece)
                seen.chars_sent = offset
            seen.chunks_sent += 1
            due += wait
            delay = due - self._loop.time()
            if wait and delay > 0:
                await self._flush()
                await asyncio.sleep(delay)
                if marks.slept:
                    due, marks.slept = self._loop.time(), False

    async def _marks_at(self, marks: _Marks, offset: int | None) -> str | None:
        """Do what is due at an offset (None: whatever is left). An error's name ends it."""
        behaviour = self._behaviour
        for name in marks.take(offset):
            if name == "garbage" and behaviour.garbage:
                await self._write(_garbage(behaviour.garbage.lines))
            elif name == "stall" and behaviour.stall:
                await self._quiet(behaviour.stall.seconds, comments=behaviour.stall.comments)
                marks.slept = True
            elif name == "cut":
                raise _Cut
            elif name == "error" and behaviour.error:
                error = behaviour.error
                await self._write(self._wire.error(error.status, error.message))
                await self._flush()
                await self._send({"type": "http.response.body", "body": b""})
                marks.errored = True
        return "error" if marks.errored else None

    async def _quiet(self, seconds: float | None, *, comments: bool) -> None:
        """Say nothing but keep-alive comments; None means until the client leaves."""
        await self._flush()
        every = self._behaviour.keep_alive_seconds or self._wire.keep_alive_seconds
        end = None if seconds is None else self._loop.time() + seconds
        while end is None or self._loop.time() < end:
            left = every if end is None else min(every, end - self._loop.time())
            if comments:
                await self._write(self._wire.keep_alive)
                await self._flush()
            await asyncio.sleep(max(left, 0))

    async def _write(self, frame: bytes) -> None:
        if self._bytes_left is not None:
            if len(frame) >= self._bytes_left:
                self._buffer.append(frame[: self._bytes_left])
                raise _Cut
            self._bytes_left -= len(frame)
        self._buffer.append(frame)
        if len(self._buffer) >= _FRAMES_PER_WRITE:
            await self._flush()
            await asyncio.sleep(0)

    async def _flush(self) -> None:
        if self._buffer:
            body = b"".join(self._buffer)
            self._buffer.clear()
            await self._send({"type": "http.response.body", "body": body, "more_body": True})


class _Marks:
    """Where in the text something happens, in order."""

    def __init__(self, behaviour: Behaviour, length: int) -> None:
        places: list[tuple[int, str]] = []
        if behaviour.garbage:
            places.append((behaviour.garbage.after_chars, "garbage"))
        if behaviour.stall:
            places.append((behaviour.stall.after_chars, "stall"))
        if behaviour.error:
            places.append((behaviour.error.after_chars, "error"))
        if behaviour.cut_after_chars is not None:
            places.append((behaviour.cut_after_chars, "cut"))
        # Beyond the end means at the end.
        self._places = sorted(((min(at, length), name) for at, name in places), key=lambda p: p[0])
        self.slept = False
        self.errored = False

    @property
    def next(self) -> float:
        """The next offset at which something happens."""
        return self._places[0][0] if self._places else float("inf")

    def take(self, offset: int | None) -> Iterator[str]:
        """Names of what is due, each given once."""
        while self._places and not self.errored:
            if offset is not None and self._places[0][0] > offset:
                return
            yield self._places.pop(0)[1]

    def split(self, chunk: str, offset: int) -> list[str]:
        """The chunk, cut where something happens inside it."""
        if self.next >= offset + len(chunk):
            return [chunk]
        cuts = [at - offset for at, _ in self._places if 0 < at - offset < len(chunk)]
        edges = [0, *cuts, len(chunk)]
        return [chunk[a:b] for a, b in pairwise(edges) if b > a]


def stamp_now(characters: int) -> str:
    """Microseconds of the monotonic clock, which all processes of a machine share, in hex."""
    return f"{time.monotonic_ns() // 1000:0{characters}x}"


def _garbage(lines: int) -> bytes:
    rows = (b"data: {not json", b"data: <html>oops</html>", b"\xff\xfe broken", b"data:")
    return b"".join(rows[i % len(rows)] + b"\n\n" for i in range(lines))


async def _cancel_on_disconnect(receive: Receive, cancel: Callable[[], bool]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    cancel()


def hang_up(receive: Receive) -> None:
    """Drop the connection without an answer, as a proxy that dies does.

    ASGI has no word for it, so this reaches for uvicorn's transport behind `receive`.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
