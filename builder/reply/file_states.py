"""A file: the fence just opened, its body until the fence that closes it, a page without one."""

import re

from builder.reply.edit_states import EditBody
from builder.reply.file_body import FileBody, FileSink
from builder.reply.labels import path_from_comment, path_from_label
from builder.reply.lines import Piece
from builder.reply.machine import Machine
from builder.reply.markers import (
    EXTENSIONS,
    PAGE,
    PAGE_COMMENT,
    SHELLS,
    Fence,
    fence,
    head_width,
)
from builder.reply.sample_state import Sample

_PAGE_LANGUAGES = frozenset({"", "html", "htm", "xhtml", "text", "txt"})
_MARKDOWN = frozenset({"md", "markdown", "mdx"})
_PATCHES = frozenset({"diff", "patch", "udiff"})


class Pending:
    """A fence is open, but not yet known to hold a file, edits or a sample.

    The first line that says something decides; lines before it are kept for whoever gets them.
    """

    def __init__(
        self, machine: Machine, opener: Fence, language: str, path: str | None, hint: str | None
    ) -> None:
        """`path`: from the line above or the info string; `hint`: from the prose above."""
        self.m = machine
        self.opener = opener
        self.language = language
        self.path = path
        self.hint = hint
        self.inner: str | None = None  # a path alone on the first line
        self.kept: list[Piece] = []

    def take(self, piece: Piece) -> None:
        if piece.whole and (not piece.text.strip() or self._keep_comment(piece)):
            self.kept.append(piece)
            self.m.trail.add(piece.bare)
        elif piece.whole and self._marker(piece):
            return
        elif piece.whole and self._keep_label(piece):
            self.m.trail.add(piece.bare)
        else:
            self._decide(piece)

    def _keep_comment(self, piece: Piece) -> bool:
        """A comment before a page whose path is not known yet."""
        return (
            self.path is None
            and bool(PAGE_COMMENT.fullmatch(piece.bare))
            and path_from_comment(piece.bare) is None
        )

    def _marker(self, piece: Piece) -> bool:
        line = piece.bare
        if width := head_width(line):
            if self.language in SHELLS and not (self.inner or self.path):
                return False
            named = self.inner or self.path
            self.m.state = EditBody(self.m, width, home=self.opener, named=named)
            return True
        mark = fence(line)
        if mark and mark.closes(self.opener):
            self._closed_empty(piece)
            return True
        if mark and not mark.bare and (self.inner or not self.path):
            self.m.leave(piece)
            return True
        return False

    def _closed_empty(self, piece: Piece) -> None:
        if self.path is None or self.language in SHELLS or self.language in _PATCHES:
            self.m.trail.add(piece.bare)
            self.m.leave()
            return
        self._open_file(piece, self.path)

    def _keep_label(self, piece: Piece) -> bool:
        """A path on the first line inside; what follows tells whether it names the block."""
        if self.inner is not None:
            return False
        commented = path_from_comment(piece.bare)
        if commented and self.path is None and self.language not in SHELLS:
            self.path, self.kept = commented, []
            if self.language in _MARKDOWN:  # there it is also the heading of the text
                self.kept = [piece]
            return True
        if commented:
            return False
        self.inner = path_from_label(piece.bare)
        if self.inner is not None:
            self.kept.append(piece)
        return self.inner is not None

    def _decide(self, piece: Piece) -> None:
        if self.language in _PATCHES and self.path:
            self.m.error(
                "unsupported_diff", "A diff is neither a whole file nor an edit.", self.path
            )
        elif self.path and self.language not in SHELLS:
            self._open_file(piece, self.path)
            return
        elif PAGE.match(piece.head) and self.language in _PAGE_LANGUAGES:
            if self._page(piece):
                return
        else:
            self._unnamed()
        self.m.state = Sample(self.m, self.opener, self.language, len(self.kept))
        self.m.state.take(piece)

    def _page(self, piece: Piece) -> bool:
        """A whole page without a path is the site's first page, where nothing came before."""
        if self.inner:
            self.kept = []
        named = self.inner or self.hint
        if not named and (self.m.blocks_opened or self.m.code_without_path):
            if self.m.files_opened:
                self._no_path(None)
            return False
        if not named:
            self.m.index_inferred = True
            for _ in range(self.m.unnamed_parts):
                self._no_path(None)
        self._open_file(piece, named or "index.html")
        return True

    def _unnamed(self) -> None:
        """A sample, as far as can be known; told where it may have been meant as a file."""
        if self.language not in EXTENSIONS:
            return
        if self.hint:
            self._no_path(self.hint)
        elif self.m.index_inferred:
            self._no_path(None)
        else:
            self.m.unnamed_parts += 1

    def _no_path(self, path: str | None) -> None:
        self.m.error(
            "missing_path", "A block has no line with its path above it: not stored.", path
        )

    def _open_file(self, piece: Piece, path: str) -> None:
        body = FileBody(self.m, self.opener, FileSink(self.m, path))
        self.m.state = body
        for kept in self.kept:
            body.sink.write(kept.text)
        body.take(piece)

    def end(self, *, truncated: bool) -> None:
        if self.path is not None and self.language not in SHELLS | _PATCHES:
            sink = FileSink(self.m, self.path)
            for kept in self.kept:
                sink.write(kept.text)
            sink.cut()


class Document:
    """A page without a fence: from its doctype to the `</html>` that ends a line."""

    _SCRIPT = re.compile(r"<script\b|</script", re.IGNORECASE)

    def __init__(self, machine: Machine, path: str) -> None:
        self.m = machine
        self.sink = FileSink(machine, path)
        self.in_script = False
        self.tail = ""

    def take(self, piece: Piece) -> None:
        self.sink.write(piece.text)
        for tag in self._SCRIPT.finditer(self.tail[-7:] + piece.text):
            self.in_script = not tag[0].startswith("</")
        self.tail = (self.tail + piece.text)[-16:]
        if not piece.ends:
            return
        if not self.in_script and self.tail.rstrip().lower().endswith("</html>"):
            self.sink.close()
            self.m.trail.clear()
            self.m.leave()
        self.tail = ""

    def end(self, *, truncated: bool) -> None:
        self.sink.cut()
