"""What the parser's states share: the results so far, the lines just read, and the next state."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from builder.reply.labels import mentioned_paths, path_from_comment, path_from_label
from builder.reply.lines import LineReader, Piece
from builder.reply.markers import fence
from builder.reply.paths import GRAVE_CODES, UnsafePath, clean_path
from builder.reply.types import EditBlock, EditClosed, Event, FileBlock, ReplyError

MOST_ERRORS = 200


class State(Protocol):
    """One place in a reply. `take` may change the state; `end` settles what is still open."""

    def take(self, piece: Piece) -> None: ...

    def end(self, *, truncated: bool) -> None: ...


class Trail:
    """The last lines before here, where a path may stand above a fence or a marker."""

    most_blank_lines = 3
    most_fence_lines = 2
    most_lines_of_prose = 5

    def __init__(self) -> None:
        self._lines: deque[str | None] = deque(maxlen=8)

    def add(self, line: str | None) -> None:
        """`None` stands for a line too long to be a path."""
        self._lines.append(line)

    def clear(self) -> None:
        self._lines.clear()

    def label(self) -> str | None:
        """The path on the nearest line above that is neither blank nor a fence, if it is one."""
        blanks = fences = 0
        for line in reversed(self._lines):
            if line is None:
                return None
            if not line.strip():
                blanks += 1
            elif fence(line):
                fences += 1
            else:
                return path_from_label(line) or path_from_comment(line)
            if blanks > self.most_blank_lines or fences > self.most_fence_lines:
                return None
        return None

    def mention(self, extensions: tuple[str, ...]) -> str | None:
        """The path that the prose just above speaks of; no more than a hint."""
        for line in list(reversed(self._lines))[: self.most_lines_of_prose]:
            if line is None or fence(line):
                return None
            if paths := mentioned_paths(line, extensions):
                return paths.pop() if len(paths) == 1 else None
        return None


class Machine:
    """Holds the state and everything found. `outside` makes the state to return to."""

    def __init__(self, outside: "Callable[[Machine], State]") -> None:
        self.reader = LineReader()
        self.trail = Trail()
        self.events: list[Event] = []
        self.files: list[FileBlock] = []
        self.edits: list[EditBlock] = []
        self.errors: list[ReplyError] = []
        self.blocks_opened = 0
        self.files_opened = 0
        self.index_inferred = False
        self.code_without_path = False
        self.unnamed_parts = 0
        self.prose = False
        self.last_edit_path: str | None = None
        self._outside = outside
        self._queue: deque[Piece] = deque()
        self.state: State = outside(self)

    def run(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self._queue.append(piece)
            self._drain()

    def end(self, *, truncated: bool) -> None:
        """Settle the open state; a state may leave first and give lines to read again."""
        self._drain()
        self.state.end(truncated=truncated)

    def _drain(self) -> None:
        while self._queue:
            self.state.take(self._queue.popleft())

    def leave(self, *again: Piece) -> None:
        """Back outside any block; the pieces given are read again there."""
        self.state = self._outside(self)
        self._queue.extendleft(reversed(again))

    def skip(self, *, until: str, rest: str) -> None:
        """Drop the text up to and with `until`."""
        rest += "".join(piece.text for piece in self._queue)
        self._queue.clear()
        self.reader.skip(until=until, rest=rest)

    def error(self, code: str, message: str, path: str | None = None) -> None:
        """Note an error; after `MOST_ERRORS` one last line says that there are more."""
        if len(self.errors) == MOST_ERRORS:
            self.errors.append(ReplyError("too_many_errors", "There are more errors than shown."))
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(ReplyError(code, message, path))

    def resolve(self, raw: str) -> tuple[str, bool]:
        """The path to use for `raw` and whether it may name anything at all.

        A path that no site could have is an error here. One that is only of the wrong kind
        (`setup.py`, `.env`) stays as written: storing says so, with the site at hand.
        """
        try:
            return clean_path(raw), True
        except UnsafePath as problem:
            if problem.code not in GRAVE_CODES:
                return raw, True
            self.error(problem.code, problem.message, raw)
            return raw, False

    def next_index(self) -> int:
        self.blocks_opened += 1
        return self.blocks_opened - 1

    def add_edit(self, path: str, search: str, replace: str) -> None:
        self.edits.append(EditBlock(path, search, replace, self.next_index()))
        self.events.append(EditClosed(path))
