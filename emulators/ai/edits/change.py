"""A change: edits whose search text stands exactly once in its file, and new files."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    """Whole lines to find in one file, each ending in a newline, and what replaces them."""

    path: str
    search: str
    replace: str


@dataclass
class Change:
    """Everything one follow-up changes. `summary` says it in a few words."""

    files: dict[str, str]
    summary: str = ""
    edits: list[Edit] = field(default_factory=list)
    new_files: dict[str, str] = field(default_factory=dict)

    def replace_lines(self, path: str, first: int, last: int, new: str) -> bool:
        """Replace the lines first..last (from 0, inclusive) of a file by new text.

        The search text grows by neighbouring lines until it stands once in the file.
        Returns False, changing nothing, where those lines were already changed.
        """
        lines = self._lines(path)
        text = "".join(lines)
        low, high = first, last + 1
        while text.count("".join(lines[low:high])) != 1 and (low > 0 or high < len(lines)):
            low, high = max(0, low - 1), min(len(lines), high + 1)
        search = "".join(lines[low:high])
        if not search.strip() or text.count(search) != 1 or self._overlaps(path, search):
            return False
        if new and not new.endswith("\n"):
            new += "\n"
        replace = "".join(lines[low:first]) + new + "".join(lines[last + 1 : high])
        self.edits.append(Edit(path, search, replace))
        return True

    def insert_before(self, path: str, line: int, new: str) -> bool:
        """Put new lines before a line of a file."""
        if not new.endswith("\n"):
            new += "\n"
        return self.replace_lines(path, line, line, new + self._lines(path)[line])

    def by_path(self) -> dict[str, list[Edit]]:
        """The edits, grouped by file."""
        grouped: dict[str, list[Edit]] = {}
        for edit in self.edits:
            grouped.setdefault(edit.path, []).append(edit)
        return grouped

    def paths(self) -> list[str]:
        """Every file that is changed or new."""
        return [*self.by_path(), *(path for path in self.new_files if path not in self.by_path())]

    def applied(self, files: dict[str, str]) -> dict[str, str]:
        """The files after the change."""
        result = dict(files)
        for edit in self.edits:
            if result[edit.path].count(edit.search) != 1:
                raise ValueError(f"{edit.path}: a search text does not stand there once")
            result[edit.path] = result[edit.path].replace(edit.search, edit.replace)
        return result | self.new_files

    def _lines(self, path: str) -> list[str]:
        text = self.files[path].replace("\r\n", "\n")
        if text and not text.endswith("\n"):
            text += "\n"
        return text.splitlines(keepends=True)

    def _overlaps(self, path: str, search: str) -> bool:
        text = "".join(self._lines(path))
        start = text.index(search)
        end = start + len(search)
        for edit in self.edits:
            if edit.path != path:
                continue
            other = text.index(edit.search)
            if start < other + len(edit.search) and other < end:
                return True
        return False
