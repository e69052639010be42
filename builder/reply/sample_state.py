"""Code that is shown, not given: a fence without a path, or a shell command."""

from builder.reply.edit_states import EditBody
from builder.reply.lines import Piece
from builder.reply.machine import Machine
from builder.reply.markers import EXTENSIONS, SHELLS, Fence, fence, head_width
from builder.reply.types import FileBlock, FileClosed, FileOpened, FileText

_PLAIN = frozenset({"", "text", "txt", "plaintext", "plain", "tree", "ascii"})


class Sample:
    """Ignored, but it does not swallow a block that begins inside it."""

    def __init__(self, machine: Machine, opener: Fence, language: str, lines: int) -> None:
        """`lines`: how many lines with text the fence held before."""
        self.m = machine
        self.opener = opener
        self.shell = language in SHELLS
        self.depth = 0
        self.lines = lines
        self.whole_reply = language in ("html", "htm") and not (
            machine.prose or machine.blocks_opened or machine.code_without_path
        )
        self.kept: list[str] = []
        if language not in EXTENSIONS and language not in _PLAIN and not self.shell:
            machine.code_without_path = True

    def take(self, piece: Piece) -> None:
        mark = fence(piece.bare) if piece.whole else None
        if mark and self._mark(mark, piece):
            return
        if piece.whole and not self.shell and (width := head_width(piece.bare)):
            self.m.state = EditBody(self.m, width, home=self.opener, named=None)
            return
        if piece.starts:
            self.lines += bool(piece.text.strip())
            self.m.trail.add(piece.bare if piece.whole else None)
        if self.whole_reply:
            self.kept.append(piece.text)

    def _mark(self, mark: Fence, piece: Piece) -> bool:
        """Act on a fence line; False where it is only text of the sample."""
        if mark.closes(self.opener) and self.depth:
            self.depth -= 1
        elif mark.closes(self.opener):
            self._close(piece)
            return True
        elif mark.nests_in(self.opener):
            if self.m.trail.label():
                self.m.leave(piece)
                return True
            self.depth += not self.shell
        return False

    def _close(self, piece: Piece) -> None:
        if self.lines != 1:  # a single line may be a path in a fence of its own (DeepSeek)
            self.m.trail.clear()
        self.m.trail.add(piece.bare)
        self.m.leave()
        if self.whole_reply:
            self.m.state = WholeReply(self.m, "".join(self.kept))

    def end(self, *, truncated: bool) -> None:
        if self.whole_reply and "<" in "".join(self.kept):
            self.m.error("unclosed_file", "The reply ended inside a file.", "index.html")


class WholeReply:
    """After a lone html fence without a path: the site's page, if nothing else follows."""

    def __init__(self, machine: Machine, content: str) -> None:
        self.m = machine
        self.content = content

    def take(self, piece: Piece) -> None:
        if not piece.text.strip():
            self.m.trail.add(piece.bare)
            return
        self.m.leave(piece)

    def end(self, *, truncated: bool) -> None:
        if "<" not in self.content:
            return
        path = "index.html"
        self.m.files.append(FileBlock(path, self.content, True, self.m.next_index()))
        self.m.events += [FileOpened(path), FileText(path, self.content), FileClosed(path)]
