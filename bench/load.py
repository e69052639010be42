"""The load client: many event streams over raw sockets, so that the client itself is cheap."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson


@dataclass(slots=True)
class Stream:
    """What one stream saw. Times are seconds after the request was sent."""

    first: float | None = None
    last: float = 0.0
    characters: int = 0
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    finished: bool = False
    error: str = ""

    def text(self, at: float, characters: int) -> None:
        if self.first is None:
            self.first = at
        self.last = at
        self.characters += characters
        self.arrivals.append((at, self.characters))

    def lags(self, characters_per_second: float) -> list[float]:
        """How late each arrival was against an even pace from the first one, seconds."""
        if self.first is None:
            return []
        base = self.arrivals[0][1]
        return [
            max(0.0, at - self.first - (count - base) / characters_per_second)
            for at, count in self.arrivals[1:]
        ]


async def _request(
    url: str, *, method: str, headers: dict[str, str], body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**22)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return reader, writer


async def post_json(url: str, headers: dict[str, str], body: object) -> tuple[int, Any]:
    """A whole answer: status and JSON body."""
    reader, writer = await _request(url, method="POST", headers=headers, body=orjson.dumps(body))
    raw = await reader.read()
    writer.close()
    head, _, rest = raw.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" in head.lower():
        rest = b"".join(_chunks(rest))
    return status, orjson.loads(rest) if rest.strip() else {}


def _chunks(body: bytes) -> list[bytes]:
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            break
        pieces.append(body[:length])
        body = body[length + 2 :]
    return pieces


async def follow_chat(url: str, headers: dict[str, str], body: object) -> Stream:
    """An OpenAI-style chat stream to its `[DONE]`."""
    stream, started = Stream(), time.perf_counter()
    try:
        reader, writer = await _request(
            url, method="POST", headers=headers, body=orjson.dumps(body)
        )
        while line := await reader.readline():
            if line.startswith(b"data: [DONE]"):
                stream.finished = True
                break
            if line.startswith(b"data: {"):
                data = orjson.loads(line[6:])
                choices = data.get("choices") or [{}]
                text = (choices[0].get("delta") or {}).get("content") or ""
                if text:
                    stream.text(time.perf_counter() - started, len(text))
        writer.close()
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        stream.error = repr(error)
    return stream


async def follow_run(base: str, start_url: str, headers: dict[str, str], body: object) -> Stream:
    """Start a run of ours and follow its events to `done`; times count from the POST."""
    stream, started = Stream(), time.perf_counter()
    try:
        status, answer = await post_json(base + start_url, headers, body)
        if status != 202:
            stream.error = f"{status} {answer}"
            return stream
        reader, writer = await _request(
            base + answer["run"]["eventsUrl"], method="GET", headers=headers, body=b""
        )
        event = b""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif line.startswith(b"data: ") and event == b"delta":
                text = orjson.loads(line[6:])["text"]
                stream.text(time.perf_counter() - started, len(text))
            elif line.startswith(b"data: ") and event == b"done":
                done = orjson.loads(line[6:])
                stream.finished = done["state"] == "succeeded"
                stream.error = "" if stream.finished else str(done["error"])
                break
        writer.close()
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        stream.error = repr(error)
    return stream
