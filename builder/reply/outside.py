"""Between the blocks: prose, reasoning, samples of code, and where a block begins."""

from builder.reply.edit_states import EditBody
from builder.reply.file_states import Document, Pending
from builder.reply.labels import path_from_label, read_info
from builder.reply.lines import Piece
from builder.reply.machine import Machine
from builder.reply.markers import (
    EXTENSIONS,
    PAGE,
    PAGE_IN_INFO,
    THINK,
    Fence,
    fence,
    glued_opener,
    head_width,
    is_updated,
)


class Outside:
    """Prose. Everything here is ignored but the openers."""

    def __init__(self, machine: Machine) -> None:
        self.m = machine

    def take(self, piece: Piece) -> None:
        if not piece.starts:
            return
        if think := THINK.match(piece.head):
            self.m.skip(until=f"</{think[1].lower()}>", rest=piece.text[think.end() :])
        elif PAGE.match(piece.head) and self._page(piece):
            return
        elif not piece.ends:
            self.m.trail.add(None)
            self.m.prose = True
        else:
            self._line(piece)

    def end(self, *, truncated: bool) -> None:
        if self.m.reader.skipping:
            self.m.error("unclosed_reasoning", "The reply ended inside the model's reasoning.")

    def _line(self, piece: Piece) -> None:
        line = piece.bare
        if width := head_width(line):
            self.m.state = EditBody(self.m, width, home=self, named=None)
        elif opener := fence(line):
            self._open(opener, piece)
        elif glued := glued_opener(line):
            self._glued(piece, *glued)
        else:
            if is_updated(line):
                self.m.error("stray_marker", "A REPLACE marker has no SEARCH before it.")
            self.m.prose = self.m.prose or bool(line.strip())
            self.m.trail.add(line)

    def _page(self, piece: Piece) -> bool:
        """A page without a fence: under its path, or as the first thing of the reply."""
        label = self.m.trail.label()
        if label is None and (self.m.blocks_opened or self.m.code_without_path):
            return False
        document = Document(self.m, label or "index.html")
        self.m.index_inferred = self.m.index_inferred or label is None
        self.m.state = document
        document.take(piece)
        return True

    def _open(self, opener: Fence, piece: Piece) -> None:
        if opener.closing_tag:
            self.m.trail.add(piece.bare)
            return
        again: tuple[Piece, ...] = ()
        if glued := PAGE_IN_INFO.search(opener.info):
            text = piece.text[piece.text.index(glued[0]) :]
            again = (Piece(text),)
            info = opener.info[: glued.start()].strip()
            opener = Fence(opener.sign, opener.width, opener.indent, info)
        language, named = read_info(opener.info)
        path = _agreed(self.m.trail.label(), named)
        hint = self.m.trail.mention(EXTENSIONS.get(language, (".html", ".htm")))
        self.m.trail.clear()
        self.m.leave(*again)
        self.m.state = Pending(self.m, opener, language, path, hint)

    def _glued(self, piece: Piece, before: str, opener: Fence) -> None:
        """Prose that runs into an opening fence; only a path or a language makes it one."""
        language, named = read_info(opener.info)
        label = path_from_label(before)
        self.m.trail.add(before)
        if not (label or named or language in _LANGUAGES):
            self.m.prose = True
            return
        self._open(opener, Piece(piece.text[len(before) :].lstrip(" \t")))


_LANGUAGES_TEXT = """
html css javascript js json svg xml markdown md typescript
"""
_LANGUAGES = frozenset(_LANGUAGES_TEXT.split())


def _agreed(label: str | None, named: str | None) -> str | None:
    """The path line and the info string may both name it; the fuller of two that agree wins."""
    if label and named and (label.endswith("/" + named) or label == named):
        return label
    return named or label
