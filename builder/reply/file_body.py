"""The inside of a fenced file, and the place where its text goes."""

from builder.reply.edit_states import EditBody
from builder.reply.labels import is_prose_file, path_from_label
from builder.reply.lines import Piece
from builder.reply.machine import Machine
from builder.reply.markers import Fence, fence, glued_closer, head_width
from builder.reply.types import FileBlock, FileClosed, FileOpened, FileText

MOST_LINES_IN_DOUBT = 200


class FileSink:
    """Collects one file and tells of it. A path that can not be stored takes text silently."""

    def __init__(self, machine: Machine, raw_path: str) -> None:
        self.m = machine
        self.path, self.allowed = machine.resolve(raw_path)
        self.index = machine.next_index()
        self.parts: list[str] = []
        machine.files_opened += 1
        if self.allowed:
            machine.events.append(FileOpened(self.path))

    def write(self, text: str) -> None:
        if text and self.allowed:
            self.parts.append(text)
            self.m.events.append(FileText(self.path, text))

    def close(self) -> None:
        if self.allowed:
            self._add(complete=True)
            self.m.events.append(FileClosed(self.path))

    def cut(self) -> None:
        """The reply ended, or went on to another block, before this file's end."""
        if self.allowed:
            self._add(complete=False)
            self.m.error("unclosed_file", "The reply ended inside this file.", self.path)

    def drop(self, code: str, message: str) -> None:
        if self.allowed:
            self.m.error(code, message, self.path)

    def _add(self, *, complete: bool) -> None:
        self.m.files.append(FileBlock(self.path, "".join(self.parts), complete, self.index))


class FileBody:
    """Text of a file until its fence closes.

    A fence with an info string inside opens a nested block, whose bare fence closes only it.
    Lines that may be the end of the file are held until the next one tells:
    a path (the next file, where the closing fence was forgotten), a glued closing fence, and,
    in a text of prose, a bare fence that may as well open a nested block.
    """

    def __init__(self, machine: Machine, opener: Fence, sink: FileSink) -> None:
        self.m = machine
        self.opener = opener
        self.sink = sink
        self.nested: list[Fence] = []
        self.held: list[Piece] = []
        self.why = ""
        self.last_character = ""
        self.is_prose = is_prose_file(sink.path)

    def take(self, piece: Piece) -> None:
        if self.held and self._settle(piece):
            return
        if piece.whole:
            self._line(piece)
        elif piece.ends and self._hold_glued(piece):
            return
        else:
            self._write(piece)

    def _write(self, piece: Piece) -> None:
        self.sink.write(piece.text)
        self.last_character = piece.text[-1:] or self.last_character

    def _line(self, piece: Piece) -> None:
        line = piece.bare
        mark = fence(line)
        if mark:
            self._fence(mark, piece)
        elif not self.nested and (width := head_width(line)):
            self._mixed(width)
        elif not self.nested and self._may_end(line):
            self.held = [piece]
        else:
            self._write(piece)

    def _fence(self, mark: Fence, piece: Piece) -> None:
        inner = self.nested[-1] if self.nested else self.opener
        if not mark.closes(inner):
            if mark.nests_in(self.opener) and " " not in mark.info.strip("{} "):
                self.nested.append(mark)
            elif mark.nests_in(self.opener) and not self.nested and not self.is_prose:
                self._close()  # ``` and prose on the same line
                return
        elif self.nested:
            self.nested.pop()
        elif self.is_prose:
            self.held, self.why = [piece], "doubt"
            return
        else:
            self._close()
            return
        self._write(piece)

    def _may_end(self, line: str) -> bool:
        glued = glued_closer(line)
        if glued and glued[1].closes(self.opener):
            self.why = "glued"
            return True
        self.why = "label"
        return not self.is_prose and bool(path_from_label(line))

    def _hold_glued(self, piece: Piece) -> bool:
        """The end of a long line, if it is a fence glued to code."""
        mark = fence(piece.bare)
        if not (mark and mark.closes(self.opener) and not self.nested):
            return False
        if self.last_character not in ">};)":
            return False
        self.held, self.why = [piece], "glued"
        return True

    def _settle(self, piece: Piece) -> bool:
        """Decide on the held lines with the next one; True where that one is used up."""
        decide = {"label": self._settle_label, "glued": self._settle_glued}
        return decide.get(self.why, self._settle_doubt)(piece)

    def _settle_label(self, piece: Piece) -> bool:
        if piece.whole and not piece.text.strip() and len(self.held) < 3:
            self.held.append(piece)
            return True
        mark = fence(piece.bare) if piece.whole else None
        if piece.whole and (head_width(piece.bare) or (mark and not mark.bare)):
            self._forgotten(piece)
            return True
        self._flush()
        return False

    def _settle_glued(self, piece: Piece) -> bool:
        page = self.held[0].bare.rstrip(" \t`~").lower().endswith("</html>")
        if not (page or self._ends_block(piece)):
            self._flush()
            return False
        self._close_glued(piece)
        return True

    def _close_glued(self, *again: Piece) -> None:
        glued = glued_closer(self.held[0].bare)
        self.sink.write(glued[0] if glued else "")
        self._close(*again)

    def _settle_doubt(self, piece: Piece) -> bool:
        mark = fence(piece.bare) if piece.whole else None
        if mark and mark.closes(self.opener):
            self.held.append(piece)
            self._flush()
        elif len(self.held) == 1 and self._ends_block(piece):
            self._close(piece)
        elif self._ends_doubt(piece, mark):
            self._close(*self.held[1:], piece)
        else:
            self.held.append(piece)
        return True

    def _ends_doubt(self, piece: Piece, mark: Fence | None) -> bool:
        """Whether the fence in doubt was the closing one. The wait for a sign is bounded."""
        if not piece.whole or len(self.held) > MOST_LINES_IN_DOUBT:
            return True
        return bool(mark and not mark.bare) or bool(head_width(piece.bare))

    def _ends_block(self, piece: Piece) -> bool:
        """Whether this line reads like the first one after a block."""
        return piece.whole and (not piece.text.strip() or bool(path_from_label(piece.bare)))

    def _flush(self) -> None:
        held, self.held = self.held, []
        for piece in held:
            self._write(piece)

    def _close(self, *again: Piece) -> None:
        self.sink.close()
        self.m.trail.clear()
        self.m.leave(*again)

    def _forgotten(self, piece: Piece) -> None:
        """The next block begins although the fence of this one was not closed."""
        self._finish_page(sure=True)
        self.m.trail.clear()
        self.m.leave(*self.held, piece)

    def _mixed(self, width: int) -> None:
        """Conflict markers must never be stored as content of a page."""
        self.sink.drop("mixed_block", "A SEARCH block stands inside a whole file; neither is sure.")
        self.m.state = EditBody(self.m, width, home=self.opener, named=self.sink.path)

    def end(self, *, truncated: bool) -> None:
        if self.held and self.why == "glued":
            self._close_glued()
            return
        if self.held and self.why == "doubt" and (len(self.held) == 1 or not truncated):
            self._close(*self.held[1:])
            self.m.end(truncated=truncated)
            return
        self._flush()
        self._finish_page(sure=not truncated)

    def _finish_page(self, *, sure: bool) -> None:
        """End the file without its fence: a page that ends in `</html>` is whole all the same."""
        page = "".join(self.sink.parts[-40:]).rstrip().lower().endswith("</html>")
        if page and sure:
            self.sink.close()
        else:
            self.sink.cut()
