"""Cutting a stream into lines, whatever the chunks, in linear time.

Short lines come whole, because only they can be markers. A line longer than
`SHORT_LINE_CHARACTERS` (a minified page) comes in pieces as it arrives, so that it can be shown.
Where the pieces of a long line are cut depends on the chunks; what they join to does not.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

SHORT_LINE_CHARACTERS = 240
_RUN = "`~ \t\r"
_LONGEST_RUN = 80


@dataclass(frozen=True, slots=True)
class Piece:
    """A line, or part of a long one; `starts`/`ends` tell which of its ends are here."""

    text: str
    starts: bool = True
    ends: bool = True

    @property
    def whole(self) -> bool:
        return self.starts and self.ends

    @property
    def bare(self) -> str:
        """The text without its line end (LF or CRLF)."""
        return self.text.removesuffix("\n").removesuffix("\r")

    @property
    def head(self) -> str:
        """The first characters of a line: the same ones however it was cut."""
        return self.text[:SHORT_LINE_CHARACTERS]


class LineReader:
    """Pull pieces out of chunks: `push(chunk)`, then iterate `pieces()` until it is dry.

    A long line always ends in a piece of its own that holds the line end and the run of
    backticks before it: it may be a closing fence that was glued to the text.
    """

    def __init__(self) -> None:
        self.characters_examined = 0
        self._sources: list[tuple[str, int]] = []
        self._ready: deque[Piece] = deque()
        self._parts: list[str] = []
        self._length = 0
        self._long = False
        self._started = False
        self._run = ""
        self._run_too_long = False
        self._skip_to: re.Pattern[str] | None = None
        self._skip_length = 0
        self._carry = ""

    @property
    def skipping(self) -> bool:
        return self._skip_to is not None

    def push(self, chunk: str) -> None:
        if chunk:
            self._sources.append((chunk, 0))

    def skip(self, *, until: str, rest: str) -> None:
        """Drop text up to and with `until` (any case); `rest` was taken but not used."""
        ready = "".join(piece.text for piece in self._ready)
        pending = rest + ready + "".join(self._parts) + self._run
        self._ready.clear()
        self._reset_line()
        self._skip_to, self._skip_length = re.compile(re.escape(until), re.IGNORECASE), len(until)
        self._carry = ""
        self.push(pending)

    def pieces(self) -> Iterator[Piece]:
        while self._ready or self._sources:
            if self._ready:
                yield self._ready.popleft()
                continue
            text, at = self._sources.pop()
            if self._skip_to is not None:
                self._skip_in(self._skip_to, text, at)
                continue
            newline = text.find("\n", at)
            end = len(text) if newline < 0 else newline + 1
            self.characters_examined += end - at
            if end < len(text):
                self._sources.append((text, end))
            self._add(text[at:end], ends=newline >= 0)

    def finish(self) -> Iterator[Piece]:
        """The text after the last line end, once no more will come."""
        if self._length or self._long:
            self._add("", ends=True)
        yield from self.pieces()

    def _skip_in(self, tag: re.Pattern[str], text: str, at: int) -> None:
        seam = self._carry + text[at : at + self._skip_length - 1]
        found = tag.search(seam)
        if found:
            after = at + found.end() - len(self._carry)
        else:
            found = tag.search(text, at)
            after = found.end() if found else len(text)
        self.characters_examined += after - at + len(seam)
        if not found:
            kept = self._skip_length - 1
            self._carry = (self._carry + text[max(at, len(text) - kept) :])[-kept:]
            return
        self._skip_to, self._carry = None, ""
        if after < len(text):
            self._sources.append((text, after))

    def _add(self, text: str, *, ends: bool) -> None:
        if not self._long:
            self._parts.append(text)
            self._length += len(text)
            if not ends and self._length <= SHORT_LINE_CHARACTERS:
                return
            text = "".join(self._parts)
            self._parts = []
            if ends and len(text.removesuffix("\n")) <= SHORT_LINE_CHARACTERS:
                self._reset_line()
                self._ready.append(Piece(text))
                return
            self._long = True
        self._add_long(text, ends=ends)

    def _add_long(self, text: str, *, ends: bool) -> None:
        line_end = "\n" if ends and text.endswith("\n") else ""
        text = text.removesuffix("\n") if ends else text
        kept = 0 if self._started else SHORT_LINE_CHARACTERS
        body = text[:kept] + self._hold_run(text[kept:])
        if body:
            self._ready.append(Piece(body, starts=not self._started, ends=False))
            self._started = True
        if ends:
            self._ready.append(Piece(self._run + line_end, starts=False))
            self._reset_line()

    def _hold_run(self, text: str) -> str:
        """What can be let go of `held run + text`; the run at its end is kept back."""
        body = text.rstrip(_RUN)
        if body:
            out, self._run, self._run_too_long = self._run + body, text[len(body) :], False
        elif self._run_too_long:
            return text
        else:
            out, self._run = "", self._run + text
        if len(self._run) > _LONGEST_RUN:
            out, self._run, self._run_too_long = out + self._run, "", True
        return out

    def _reset_line(self) -> None:
        self._parts, self._length, self._run = [], 0, ""
        self._long = self._started = self._run_too_long = False
