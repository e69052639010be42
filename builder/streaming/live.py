"""A reply while it streams in: parsed piece by piece, told to the readers as file events."""

from __future__ import annotations

import threading
from typing import Any

from builder.reply import ParsedReply, ReplyParser
from builder.reply.types import FileClosed, FileOpened
from builder.token_count import estimate_tokens

# Progress is told once a second: more than this of that second's text is judged by its beginning.
COUNTED_CHARACTERS = 400


class LiveReply:
    """Feeds the parser with coalesced text.

    `input_tokens` is set by the one who sent the request: our own count of the model's tokens.
    """

    def __init__(self) -> None:
        self._parser = ReplyParser()
        # The log's thread feeds, the run's own thread finishes, the monitor's counts.
        self._lock = threading.Lock()
        self._uncounted: list[str] = []
        self._counted_tokens = 0
        self.input_tokens = 0

    def feed(self, text: str) -> list[tuple[str, dict[str, Any]]]:
        """Parse the next piece; the `file` events it gives."""
        with self._lock:
            self._uncounted.append(text)
            return [
                ("file", {"path": event.path, "complete": isinstance(event, FileClosed)})
                for event in self._parser.feed(text)
                if isinstance(event, FileOpened | FileClosed)
            ]

    def output_tokens(self) -> int:
        """The model's tokens so far by our own count, for telling progress; never charged."""
        with self._lock:
            text = "".join(self._uncounted)
            self._uncounted.clear()
            if text:
                sample = text[:COUNTED_CHARACTERS]
                self._counted_tokens += estimate_tokens(sample) * len(text) // len(sample)
            return self._counted_tokens

    def finish(self, *, truncated: bool) -> ParsedReply:
        """The whole reply. Call after everything has been fed."""
        with self._lock:
            return self._parser.finish(truncated=truncated)
