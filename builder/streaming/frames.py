"""Server-sent event frames of a run.

Only `delta` frames carry an id: the offset after their text, in Unicode code points of the run's
text. So a client that reconnects with `Last-Event-ID` gets exactly the text it has not got. All
other events are idempotent and may come again.
"""

from __future__ import annotations

from typing import Any

import orjson

HEARTBEAT_FRAME = b": ping\n\n"
FAREWELL_FRAME = b"event: farewell\nretry: 500\ndata: {}\n\n"


def delta_frame(*, offset: int, text: str) -> bytes:
    """`text` that begins at `offset` code points of the run's text."""
    data = orjson.dumps({"offset": offset, "text": text})
    return b"id: %d\nevent: delta\ndata: %b\n\n" % (offset + len(text), data)


def event_frame(event: str, data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), orjson.dumps(data))


def delta_of(frame: bytes) -> tuple[int, str]:
    """(offset, text) of a frame made by `delta_frame`."""
    data = orjson.loads(frame[frame.index(b"data: ") + 6 :])
    return data["offset"], data["text"]
