"""SEARCH/REPLACE blocks: the block itself, and the rest of a fence around one."""

from builder.reply.labels import is_prose_file, path_from_label
from builder.reply.lines import Piece
from builder.reply.machine import Machine, State
from builder.reply.markers import Fence, divider_width, fence, head_width, is_updated


class EditBody:
    """From `<<<<<<< SEARCH` to `>>>>>>> REPLACE`.

    `home` is the fence around the block, or the state to return to. The path is the nearest
    above, else the one of the fence, else that of the previous block (as aider has it).
    """

    def __init__(
        self, machine: Machine, width: int, *, home: Fence | State, named: str | None
    ) -> None:
        self.m = machine
        self.width = width
        self.home = home
        raw = machine.trail.label() or named
        self.path, self.allowed = machine.resolve(raw) if raw else (machine.last_edit_path, True)
        self.parts: list[str] = []
        self.dividers: list[tuple[int, int, bool]] = []
        self.second_divider: Piece | None = None
        self.fence_closed = not isinstance(home, Fence)
        machine.trail.clear()

    def take(self, piece: Piece) -> None:
        if self.second_divider and self._settle(piece, self.second_divider):
            return
        if piece.whole and self._marker(piece):
            return
        self.parts.append(piece.text)
        if piece.starts:
            self.m.trail.add(piece.bare if piece.whole else None)

    def _marker(self, piece: Piece) -> bool:
        line = piece.bare
        if is_updated(line):
            self._close()
            return True
        if width := head_width(line):
            self._abandon()
            self.m.state = EditBody(self.m, width, home=self.home, named=self.path)
            return True
        if width := divider_width(line):
            if len(self.dividers) == 1 and not line[:1].isspace():
                self.second_divider = piece
                return True
            self._divide(width, line)
            return False
        return self._next_block(piece)

    def _divide(self, width: int, line: str) -> None:
        self.dividers.append((len(self.parts), width, line[:1].isspace()))

    def _settle(self, piece: Piece, divider: Piece) -> bool:
        """A second ======= ends the block, as aider has it, where what follows agrees.

        In a text of prose it may underline a heading, so there a blank line proves nothing.
        """
        self.second_divider = None
        line = piece.bare
        mark = fence(line) if piece.whole else None
        closing = bool(mark and isinstance(self.home, Fence) and mark.closes(self.home))
        after = not line.strip() or path_from_label(line) is not None
        if piece.whole and is_updated(line):
            self._close()
            return True
        if piece.whole and (closing or (after and not is_prose_file(self.path or ""))):
            self._close()
            self.m.state.take(piece)
            return True
        self._divide(divider_width(divider.bare), divider.bare)
        self.parts.append(divider.text)
        return False

    def _next_block(self, piece: Piece) -> bool:
        """Another block begins under its path, after a fence that closed: ours was not ended."""
        mark = fence(piece.bare)
        if not mark or is_prose_file(self.path or ""):
            return False
        if isinstance(self.home, Fence) and mark.closes(self.home):
            self.fence_closed = True
        elif self.fence_closed and not mark.bare and self.m.trail.label():
            self._abandon()
            self.m.leave(piece)
            return True
        return False

    def _divider(self) -> int | None:
        """The line that parts the two texts, or None where there is none or no sure one."""
        if len(self.dividers) == 1:
            return self.dividers[0][0]
        exact = [
            at for at, width, indented in self.dividers if width == self.width and not indented
        ]
        return exact[0] if len(exact) == 1 else None

    def _close(self) -> None:
        at = self._divider()
        if at is None:
            self.m.error(
                "malformed_edit",
                "An edit needs exactly one line of ======= between its two texts.",
                self.path,
            )
        elif self.path is None:
            self.m.error("missing_path", "An edit does not say which file it is for.")
        elif self.allowed:
            self.m.add_edit(self.path, "".join(self.parts[:at]), "".join(self.parts[at + 1 :]))
        self._remember()
        self.m.trail.clear()
        self.m.state = EditFence(self.m, self.home) if isinstance(self.home, Fence) else self.home

    def _remember(self) -> None:
        if self.allowed:
            self.m.last_edit_path = self.path

    def _abandon(self) -> None:
        self._remember()
        self.m.error("unclosed_edit", "An edit has no >>>>>>> REPLACE line.", self.path)

    def end(self, *, truncated: bool) -> None:
        if self.second_divider and not truncated:
            self._close()
        else:
            self._abandon()


class EditFence:
    """After an edit inside a fence: more edits, or the fence that closes."""

    def __init__(self, machine: Machine, opener: Fence) -> None:
        self.m = machine
        self.opener = opener

    def take(self, piece: Piece) -> None:
        if not piece.whole:
            if piece.starts:
                self.m.trail.add(None)
            return
        line = piece.bare
        mark = fence(line)
        if width := head_width(line):
            self.m.state = EditBody(self.m, width, home=self.opener, named=self.m.last_edit_path)
        elif mark and (not mark.bare or self.m.trail.label()):
            self.m.leave(piece)  # the next block, where this fence was not closed
        elif mark and mark.closes(self.opener):
            self.m.trail.add(line)
            self.m.leave()
        else:
            if is_updated(line):
                self.m.error("stray_marker", "A REPLACE marker has no SEARCH before it.")
            self.m.trail.add(line)

    def end(self, *, truncated: bool) -> None:
        """A fence left open after whole edits loses nothing."""
