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
    _added: dict[str, str] = field(default_factory=dict)
    _scripts: list[str] = field(default_factory=list)

    def replace_lines(self, path: str, first: int, last: int, new: str) -> bool:
        """Replace the lines first..last (from 0, inclusive) of a file by new text.

        The search text grows by neighbouring lines until it stands once in the file.
        Returns False, changing nothing, where those lines were already changed.
        """
        lines = self.lines(path)
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
        return self.replace_lines(path, line, line, new + self.lines(path)[line])

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
        result = {path: "".join(self.lines(path)) for path in files}
        for edit in self.edits:
            if result[edit.path].count(edit.search) != 1:
                raise ValueError(f"{edit.path}: a search text does not stand there once")
            result[edit.path] = result[edit.path].replace(edit.search, edit.replace)
        return result | self.new_files

    def main_page(self) -> str:
        """The page that changes go into: index.html, else the first page, else any file."""
        pages = [path for path in self.files if path.endswith((".html", ".htm"))]
        named = [path for path in pages if path.rsplit("/", 1)[-1] == "index.html"]
        return (named or pages or list(self.files))[0]

    def style_sheets(self) -> list[str]:
        """The style sheets, then the pages, which may hold a <style> of their own."""
        sheets = [path for path in self.files if path.endswith(".css")]
        return sheets + [path for path in self.files if "<style" in self.files[path]]

    def current(self, path: str) -> str:
        """A file's text with what is being added to its end."""
        return self.files[path] + self._added.get(path, "")

    def add_style(self, rules: str) -> bool:
        """Add rules to the end of the first style sheet, or a new one linked from the page."""
        sheets = [path for path in self.files if path.endswith(".css") and self.files[path].strip()]
        if sheets:
            return self._add_to_end(sheets[0], rules)
        if "extra.css" in self.new_files:
            self.new_files["extra.css"] += rules
            return True
        self.new_files["extra.css"] = rules
        return self._add_to_head('<link rel="stylesheet" href="extra.css">\n')

    def add_scripts(self, modules: dict[str, str], base: str) -> None:
        """Add script modules that are not there yet, after what they all need."""
        scripts = [
            path for path in self.files if path.endswith(".js") and "const $$" in self.files[path]
        ]
        if scripts:
            text = "".join(t for t in modules.values() if t not in self.current(scripts[0]))
            if text:
                self._add_to_end(scripts[0], text)
        elif modules:
            name = "script.js" if "script.js" not in self.files else "extra.js"
            if name not in self.new_files:
                self.new_files[name] = base
                self._scripts.append(name)
            self.new_files[name] += "".join(
                text for text in modules.values() if text not in self.new_files[name]
            )

    def insert_in_page(self, path: str, html: str) -> bool:
        """Put HTML at the end of a page's content, with the tags of scripts just added."""
        lines = self.lines(path)
        tags = "".join(f'<script src="{name}"></script>\n' for name in self._scripts)
        place = self._last_line(lines, "</main>")
        if place is None:
            place = self._last_line(lines, "<footer") or self._last_line(lines, "</body>")
        if place is None:
            return self._add_to_end(path, html + tags)
        end = self._last_line(lines, "</body>")
        if tags and end is not None and end != place:
            self.insert_before(path, end, tags)
            tags = ""
        return self.insert_before(path, place, html + tags)

    def _last_line(self, lines: list[str], mark: str) -> int | None:
        return next((n for n in range(len(lines) - 1, -1, -1) if mark in lines[n]), None)

    def _add_to_head(self, html: str) -> bool:
        path = self.main_page()
        place = self._last_line(self.lines(path), "</head>")
        return place is not None and self.insert_before(path, place, html)

    def _add_to_end(self, path: str, text: str) -> bool:
        """Add text to a file's end; a second call extends the first one's edit."""
        if path in self._added:
            old = next(
                e for e in self.edits if e.path == path and e.replace.endswith(self._added[path])
            )
            self.edits.remove(old)
            self.edits.append(Edit(path, old.search, old.replace + text))
            self._added[path] += text
            return True
        lines = self.lines(path)
        last = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].strip()), None)
        if last is None or not self.replace_lines(path, last, last, lines[last] + text):
            return False
        edit = self.edits[-1]
        if not edit.replace.endswith(text):  # the search grew beyond the last line
            return True
        self._added[path] = text
        return True

    def lines(self, path: str) -> list[str]:
        """A file's lines, each with its newline."""
        text = self.files[path]
        if text and not text.endswith("\n"):
            text += "\n"
        return text.splitlines(keepends=True)

    def _overlaps(self, path: str, search: str) -> bool:
        text = "".join(self.lines(path))
        start = text.index(search)
        end = start + len(search)
        for edit in self.edits:
            if edit.path != path:
                continue
            other = text.index(edit.search)
            if start < other + len(edit.search) and other < end:
                return True
        return False
