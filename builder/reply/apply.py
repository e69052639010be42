"""Applying a parsed reply to a site's files: all that is sure, nothing that is not."""

from collections.abc import Mapping

from builder.reply.elision import elided_line
from builder.reply.matching import Miss, find_place
from builder.reply.paths import UnsafePath, clean_path, collision
from builder.reply.types import AppliedReply, EditBlock, FileBlock, ParsedReply, ReplyError

MAX_FILES = 100
MAX_FILE_BYTES = 1_000_000
MAX_SITE_BYTES = 5_000_000

_MISSES = {
    Miss.NOT_FOUND: "The text to replace is not in this file, so it was left as it was.",
    Miss.AMBIGUOUS: "The text to replace stands in this file more than once; nothing was changed.",
}


def apply_reply(base: Mapping[str, str], parsed: ParsedReply) -> AppliedReply:
    """The site's files after the reply.

    `base` maps clean paths to contents and is not changed. Blocks are applied in the order of
    the reply; a block that can not be applied is an error and leaves its file as it was, the
    other blocks stand. `changed` holds the paths whose bytes differ from `base`, in the order
    of their first change. Never raises on any reply.
    """
    site = _Site(base)
    blocks: list[FileBlock | EditBlock] = [*parsed.files, *parsed.edits]
    for block in sorted(blocks, key=lambda block: block.index):
        try:
            site.put(block)
        except _Refused as refused:
            site.errors.append(ReplyError(refused.code, refused.message, block.path))
    changed = tuple(path for path in site.touched if site.files[path] != base.get(path))
    return AppliedReply(site.files, changed, parsed.errors + tuple(site.errors))


class _Refused(Exception):
    """A block that is not applied. Stays inside this module."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Site:
    """The files so far, and their sizes."""

    def __init__(self, base: Mapping[str, str]) -> None:
        self.base = base
        self.files = dict(base)
        self.touched: dict[str, None] = {}
        self.errors: list[ReplyError] = []
        self.sizes = {path: _size(content) for path, content in base.items()}
        self.total = sum(self.sizes.values())

    def put(self, block: FileBlock | EditBlock) -> None:
        try:
            path = clean_path(block.path)
        except UnsafePath as problem:
            raise _Refused(problem.code, problem.message) from None
        if isinstance(block, FileBlock):
            content = self._whole(path, block)
        else:
            content = self._edited(path, block)
        self._store(path, content)

    def _whole(self, path: str, block: FileBlock) -> str:
        if not block.complete:
            raise _Refused(
                "incomplete_file", "The reply ended inside this file; it was not stored."
            )
        old = self.files.get(path)
        if old is not None and (line := elided_line(block.content, known=old)):
            raise _Refused(
                "elided", f"The new file leaves code out (“{line[:80]}”); the old one was kept."
            )
        return block.content

    def _edited(self, path: str, block: EditBlock) -> str:
        old = self.files.get(path)
        if not block.search.strip():
            if old is None or not old.strip():
                return block.replace
            raise _Refused("search_empty", "The edit does not say which text it replaces.")
        if old is None:
            raise _Refused("file_missing", "The edit is for a file that this site does not have.")
        found = find_place(old, block.search, block.replace)
        if isinstance(found, Miss):
            raise _Refused(found.value, _MISSES[found])
        if line := elided_line(block.replace, known=block.search):
            raise _Refused(
                "elided", f"The edit leaves code out (“{line[:80]}”); the file was kept."
            )
        return old[: found.start] + found.text + old[found.end :]

    def _store(self, path: str, content: str) -> None:
        new = path not in self.files
        if new and (other := collision(path, self.files)):
            raise _Refused("path_collision", f"This name can not stand beside “{other}”.")
        if new and len(self.files) >= MAX_FILES:
            raise _Refused("too_many_files", f"A site has at most {MAX_FILES} files.")
        if "\x00" in content or any("\ud800" <= c <= "\udfff" for c in content):
            raise _Refused("not_text", "The file holds characters that no text has.")
        size = _size(content)
        if size > MAX_FILE_BYTES:
            raise _Refused("file_too_large", f"A file has at most {MAX_FILE_BYTES:,} bytes.")
        total = self.total - self.sizes.get(path, 0) + size
        if total > MAX_SITE_BYTES:
            raise _Refused("site_too_large", f"A site has at most {MAX_SITE_BYTES:,} bytes.")
        self.files[path], self.sizes[path], self.total = content, size, total
        self.touched.setdefault(path)


def _size(content: str) -> int:
    """Bytes in UTF-8, whatever the characters."""
    return len(content.encode("utf-8", "surrogatepass"))
