"""A reply while it streams in: parsed piece by piece, told to the readers as file events."""

from __future__ import annotations

import threading
from typing import Any

from builder.reply import ParsedReply, ReplyParser
from builder.reply.types import FileClosed, FileOpened
from builder.token_count import estimate_tokens


class LiveReply:
    """Feeds the parser with coalesced text.

    `input_tokens` is set by the one who sent the request, `output_tokens` is what came so far;
    both are our own count of the model's tokens.
    """

    def __init__(self) -> None:
        self._parser = ReplyParser()
        # The log's thread feeds, the run's own thread finishes.
        self._lock = threading.Lock()
        self.input_tokens = 0
        self.output_tokens = 0

    def feed(self, text: str) -> list[tuple[str, dict[str, Any]]]:
        """Parse the next piece; the `file` events it gives."""
        with self._lock:
            self.output_tokens += estimate_tokens(text)
            return [
                ("file", {"path": event.path, "complete": isinstance(event, FileClosed)})
                for event in self._parser.feed(text)
                if isinstance(event, FileOpened | FileClosed)
            ]

    def finish(self, *, truncated: bool) -> ParsedReply:
        """The whole reply. Call after everything has been fed."""
        with self._lock:
            return self._parser.finish(truncated=truncated)
