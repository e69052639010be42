"""Which paths a generated site may have. One rule for replies, hand edits and uploads of text.

Names must survive every place they reach: a URL, a zip opened on Windows or macOS, a case
insensitive disk. Reserved device names and the forbidden characters are those of Microsoft's
"Naming Files, Paths, and Namespaces".
"""

import re
import unicodedata
from collections.abc import Iterable

MAX_PATH_CHARACTERS = 200
MAX_SEGMENTS = 8
MAX_SEGMENT_BYTES = 255

_ALLOWED_EXTENSIONS_TEXT = """
html htm xhtml css js mjs cjs json jsonld geojson map svg txt md markdown xml xsl rss atom
webmanifest csv tsv ics vcf vtt srt yaml yml toml pdb glsl vert frag wgsl
"""
ALLOWED_EXTENSIONS = frozenset(_ALLOWED_EXTENSIONS_TEXT.split())

# These can not name anything inside a site, whatever its kind: the parser drops them at once.
GRAVE_CODES = frozenset({"path_empty", "path_outside", "path_absolute", "path_characters"})

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FORBIDDEN = re.compile(r'[<>:"|?*%#]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\..*)?", re.I)
_DRIVE = re.compile(r"[A-Za-z]:")


class UnsafePath(ValueError):
    """A path that is refused. `code` is stable, the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def clean_path(raw: str) -> str:
    """The path as it is stored: relative, POSIX, NFC. Raises UnsafePath with the reason."""
    path = unicodedata.normalize("NFC", raw).strip(" \t")
    _refuse_characters(path)
    path = path.replace("\\", "/")
    _refuse_outside(path)
    segments = [part for part in path.split("/") if part not in ("", ".")]
    if not segments:
        raise UnsafePath("path_empty", "The file has no name.")
    if path.endswith("/"):
        raise UnsafePath("path_folder", f"“{_shown(path)}” names a folder, not a file.")
    for depth, segment in enumerate(segments):
        _refuse_segment(segment, first=depth == 0)
    clean = "/".join(segments)
    if len(clean) > MAX_PATH_CHARACTERS or len(segments) > MAX_SEGMENTS:
        raise UnsafePath(
            "path_too_long",
            f"“{_shown(clean)}” is longer than {MAX_PATH_CHARACTERS} characters"
            f" or deeper than {MAX_SEGMENTS} levels.",
        )
    _refuse_extension(segments[-1])
    return clean


def collision(path: str, existing: Iterable[str]) -> str | None:
    """The existing path that `path` would overwrite on a disk that ignores case, or None.

    Also a file where the other needs a folder (`a.html` and `a.html/b.html`).
    """
    folded = _folded(path)
    for other in existing:
        if other == path:
            continue
        taken = _folded(other)
        if taken == folded or folded.startswith(taken + "/") or taken.startswith(folded + "/"):
            return other
    return None


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())


def _shown(path: str) -> str:
    """A path safe to print in a message: no control characters, not endless."""
    return "".join(c if c.isprintable() else "�" for c in path[:80])


def _refuse_characters(path: str) -> None:
    if any(unicodedata.category(c) in _INVISIBLE for c in path):
        raise UnsafePath(
            "path_characters", f"“{_shown(path)}” has control or invisible characters."
        )


def _refuse_outside(path: str) -> None:
    if path.startswith("/") or _DRIVE.match(path):
        raise UnsafePath("path_absolute", f"“{_shown(path)}” is not relative to the site.")
    if ".." in path.split("/") or path.startswith("~"):
        raise UnsafePath("path_outside", f"“{_shown(path)}” leads out of the site.")


def _refuse_segment(segment: str, *, first: bool) -> None:
    if segment.startswith(".") and not (first and segment == ".well-known"):
        raise UnsafePath("path_hidden", f"“{_shown(segment)}” is a hidden name.")
    if segment.endswith((".", " ")) or segment.startswith(" ") or _RESERVED.fullmatch(segment):
        raise UnsafePath("path_reserved", f"“{_shown(segment)}” is not a name on every system.")
    if _FORBIDDEN.search(segment):
        raise UnsafePath("path_forbidden", f'“{_shown(segment)}” has one of < > : " | ? * % #.')
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        raise UnsafePath("path_too_long", f"“{_shown(segment)}” is too long a name.")


def _refuse_extension(name: str) -> None:
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or extension.lower() not in ALLOWED_EXTENSIONS:
        raise UnsafePath(
            "path_extension", f"“{_shown(name)}” is not a kind of text file that a site serves."
        )
