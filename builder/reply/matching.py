"""Where the SEARCH text of an edit stands in a file: exactly, or but for white space.

Never a guess. In order: whole lines exactly; whole lines but for trailing white space and CRLF
against LF; whole lines shifted by one and the same indentation; a part of a line exactly. The
first way that finds anything decides, and it must find one place only.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

MOST_CANDIDATES = 1000


class Miss(Enum):
    """Why no place was found."""

    NOT_FOUND = "search_not_found"
    AMBIGUOUS = "search_ambiguous"


@dataclass(frozen=True, slots=True)
class Place:
    """The characters `start:end` of the file and the text to put there."""

    start: int
    end: int
    text: str


def find_place(content: str, search: str, replace: str) -> Place | Miss:
    """The one place for an edit and its new text; else why there is none."""
    file = _Lines(content)
    wanted = _Lines(search)
    for find in (_exact, _but_for_line_ends, _shifted):
        found = find(file, wanted, replace)
        if found is not Miss.NOT_FOUND:
            return found
    return _part_of_line(content, search, replace)


class _Lines:
    """A text as lines: bare (without LF or CRLF) and where each begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.bare = [line.removesuffix("\r") for line in text.split("\n")]
        if self.bare[-1] == "":
            self.bare.pop()
        self.starts: list[int] = []
        at = 0
        for line in text.split("\n"):
            self.starts.append(at)
            at += len(line) + 1
        self.starts = self.starts[: len(self.bare)]

    def end_of(self, index: int) -> int:
        """The offset after line `index` and its line end."""
        return self.starts[index + 1] if index + 1 < len(self.starts) else len(self.text)


def _occurrences(file: list[str], wanted: list[str]) -> Iterator[int]:
    """The indexes at which the lines `wanted` stand in `file`; overlapping ones too."""
    if not wanted or len(wanted) > len(file):
        return
    haystack, needle = "\n" + "\n".join(file) + "\n", "\n" + "\n".join(wanted) + "\n"
    starts, at = [], 0
    for line in file:
        starts.append(at)
        at += len(line) + 1
    at = haystack.find(needle)
    while at >= 0:
        yield bisect_right(starts, at) - 1
        at = haystack.find(needle, at + 1)


def _one(indexes: list[int]) -> int | Miss:
    if not indexes:
        return Miss.NOT_FOUND
    return indexes[0] if len(indexes) == 1 else Miss.AMBIGUOUS


def _first_two(indexes: Iterator[int]) -> list[int]:
    return [index for index, _ in zip(indexes, range(2), strict=False)]


def _exact(file: _Lines, wanted: _Lines, replace: str) -> Place | Miss:
    """Byte for byte, but that the last line of the file may lack its line end."""
    raw = file.text.split("\n")[: len(file.bare)]
    raw_wanted = wanted.text.split("\n")[: len(wanted.bare)]
    found = _one(_first_two(_occurrences(raw, raw_wanted)))
    if isinstance(found, Miss):
        return found
    return _place(file, found, len(wanted.bare), replace)


def _but_for_line_ends(file: _Lines, wanted: _Lines, replace: str) -> Place | Miss:
    stripped = [line.rstrip() for line in wanted.bare]
    if not any(stripped):
        return Miss.NOT_FOUND
    found = _one(_first_two(_occurrences([line.rstrip() for line in file.bare], stripped)))
    if isinstance(found, Miss):
        return found
    return _place(file, found, len(wanted.bare), _like(wanted, file, replace))


def _shifted(file: _Lines, wanted: _Lines, replace: str) -> Place | Miss:
    """The same lines, all moved right or all moved left by the same white space."""
    stripped = [line.strip() for line in wanted.bare]
    if not any(stripped):
        return Miss.NOT_FOUND
    places: list[tuple[int, str]] = []
    lines = [line.strip() for line in file.bare]
    for tries, index in enumerate(_occurrences(lines, stripped)):
        if tries >= MOST_CANDIDATES:
            return Miss.AMBIGUOUS
        new = _reindented(file.bare[index : index + len(stripped)], wanted.bare, replace)
        if new is not None:
            places.append((index, new))
        if len(places) > 1:
            return Miss.AMBIGUOUS
    if not places:
        return Miss.NOT_FOUND
    return _place(file, places[0][0], len(stripped), _like(wanted, file, places[0][1]))


def _reindented(found: list[str], wanted: list[str], replace: str) -> str | None:
    """`replace` moved as `found` is against `wanted`, or None if they do not differ alike."""
    shifts = {
        (_indent(have), _indent(want))
        for have, want in zip(found, wanted, strict=True)
        if want.strip()
    }
    added = _common(shifts)
    if added is not None:
        return "".join(added + line if line.strip() else line for line in _lines(replace))
    removed = _common({(want, have) for have, want in shifts})
    lines = _lines(replace)
    if removed is None or any(x.strip() and not x.startswith(removed) for x in lines):
        return None
    return "".join(line.removeprefix(removed) for line in lines)


def _common(shifts: set[tuple[str, str]]) -> str | None:
    """What must be put before every second text to get the first, if it is always the same."""
    prefixes = {
        longer.removesuffix(shorter) if longer.endswith(shorter) else None
        for longer, shorter in shifts
    }
    return prefixes.pop() if len(prefixes) == 1 else None


def _lines(text: str) -> list[str]:
    """Lines with their ends, parted at LF only."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _part_of_line(content: str, search: str, replace: str) -> Place | Miss:
    """The bytes of SEARCH, without its last line end, once in the file and not inside a word."""
    wanted = search.removesuffix("\n").removesuffix("\r")
    if not wanted.strip():
        return Miss.NOT_FOUND
    start = content.find(wanted)
    if start < 0:
        return Miss.NOT_FOUND
    if content.find(wanted, start + 1) >= 0:
        return Miss.AMBIGUOUS
    end = start + len(wanted)
    if _inside_word(content[start - 1 : start] + wanted[:1]):
        return Miss.NOT_FOUND
    if _inside_word(wanted[-1:] + content[end : end + 1]):
        return Miss.NOT_FOUND
    return Place(start, end, replace.removesuffix("\n").removesuffix("\r"))


def _inside_word(two: str) -> bool:
    return len(two) == 2 and all(c.isalnum() or c in "-_" for c in two)


def _like(wanted: _Lines, file: _Lines, replace: str) -> str:
    """The new text with the file's line ends, where SEARCH had the other kind of them."""
    if "\r\n" in file.text and "\r\n" not in wanted.text:
        return re.sub(r"(?<!\r)\n", "\r\n", replace)
    if "\r\n" in wanted.text and "\r\n" not in file.text:
        return replace.replace("\r\n", "\n")
    return replace


def _place(file: _Lines, index: int, count: int, replace: str) -> Place:
    """Lines `index` and on; a last line of the file without a line end stays without one."""
    start, end = file.starts[index], file.end_of(index + count - 1)
    if not file.text[start:end].endswith("\n"):
        replace = replace.removesuffix("\n").removesuffix("\r")
    return Place(start, end, replace)
