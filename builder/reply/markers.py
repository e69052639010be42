"""The lines that mean something: fences, SEARCH/REPLACE markers, reasoning tags, pages."""

import re
from dataclasses import dataclass

# Five to nine signs: models miscount, and aider takes the same range.
_HEAD = re.compile(r"\s*(<{5,9})[ \t]*SEARCH[ \t]*[:>]?\s*")
_DIVIDER = re.compile(r"\s*(={5,9})\s*")
_UPDATED = re.compile(r"\s*>{5,9}[ \t]*REPLACE\s*")

_TICKS = re.compile(r"(?P<indent>[ \t]*)(?P<run>`{3,80}(?=[^`]*$)|~{3,80})(?P<info>.*)", re.DOTALL)
_TAG = re.compile(r"(?P<indent>[ \t]*)<(?P<close>/?)source>[ \t]*(?P<info>[\w+#-]*)[ \t]*")
_GLUED_OPENER = re.compile(r"(?P<before>.*?[^`~\s])[ \t]*(?P<fence>`{3,80}[^`]*|~{3,80}[^~]*)")
_GLUED_CLOSER = re.compile(r"(?P<text>.*[>};)])(?P<fence>[ \t]*(?:`{3,80}|~{3,80})[ \t]*)")

THINK = re.compile(r"\s*<(think|thinking|reasoning)>", re.IGNORECASE)
PAGE = re.compile(r"[\s\ufeff]*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
PAGE_IN_INFO = re.compile(r"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
PAGE_COMMENT = re.compile(r"\s*<!--.*-->\s*")

_SHELLS_TEXT = """
bash sh shell cmd batch powershell ps1 zsh fish ksh csh tcsh console terminal
"""
SHELLS = frozenset(_SHELLS_TEXT.split())
# Languages that a site's files are written in, with the extensions of those files.
EXTENSIONS = {
    "html": (".html", ".htm"),
    "htm": (".html", ".htm"),
    "css": (".css",),
    "js": (".js", ".mjs"),
    "javascript": (".js", ".mjs"),
    "json": (".json", ".webmanifest"),
    "svg": (".svg",),
}


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence line: its sign (` ~ or s for aider's <source>), width, indent, info string."""

    sign: str
    width: int
    indent: int
    info: str
    closing_tag: bool = False

    @property
    def bare(self) -> bool:
        return not self.info and (self.sign != "s" or self.closing_tag)

    def closes(self, opener: "Fence") -> bool:
        """CommonMark's rule: same sign, at least as wide, nothing after it, indented ≤ 3 more."""
        return (
            self.bare
            and self.sign == opener.sign
            and self.width >= opener.width
            and self.indent <= opener.indent + 3
        )

    def nests_in(self, opener: "Fence") -> bool:
        """Whether this is an opener that a block fenced by `opener` would end with its own."""
        return (
            not self.bare
            and not self.closing_tag
            and self.sign == opener.sign
            and self.width >= opener.width
            and self.indent <= opener.indent + 3
        )


def fence(line: str) -> Fence | None:
    """The line as a fence, or None. `line` has no line end."""
    if tag := _TAG.fullmatch(line):
        return Fence("s", 1, len(tag["indent"]), tag["info"], closing_tag=bool(tag["close"]))
    found = _TICKS.fullmatch(line)
    if not found:
        return None
    run, info = found["run"], found["info"].strip()
    return Fence(run[0], len(run), len(found["indent"].expandtabs(4)), info)


def glued_opener(line: str) -> tuple[str, Fence] | None:
    """Prose with an opening fence at its end (``index.html: ```html``), or None."""
    found = _GLUED_OPENER.fullmatch(line)
    opener = fence(found["fence"]) if found else None
    return (found["before"], opener) if found and opener else None


def glued_closer(line: str) -> tuple[str, Fence] | None:
    """Code with a closing fence at its end (`</html>` and backticks), or None."""
    found = _GLUED_CLOSER.fullmatch(line)
    closer = fence(found["fence"]) if found else None
    return (found["text"], closer) if found and closer else None


def head_width(line: str) -> int:
    """How many `<` open a SEARCH block on this line; 0 where it is none."""
    found = _HEAD.fullmatch(line)
    return len(found[1]) if found else 0


def divider_width(line: str) -> int:
    found = _DIVIDER.fullmatch(line)
    return len(found[1]) if found else 0


def is_updated(line: str) -> bool:
    return bool(_UPDATED.fullmatch(line))
