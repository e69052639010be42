"""Names of pictures: files of the site at `images/<name>`, safe in URLs, zips and prompts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from pathlib import PurePosixPath

from builder.reply.paths import UnsafePath, clean_path

PICTURE_FOLDER = "images"
SUFFIX_OF = {"image/jpeg": ".jpg", "image/png": ".png"}
PICTURE_SUFFIXES = tuple(SUFFIX_OF.values())
STEM_MAX_CHARACTERS = 40
_USUAL_STEM = "picture"
_STORED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.(?:jpg|png)")


def picture_name(uploaded: str, media_type: str, taken: Container[str] = ()) -> str:
    """A file name of Latin letters, digits and hyphens out of the one that was uploaded.

    taken: names it must differ from; a number is put behind it then. Never raises.
    """
    suffix = SUFFIX_OF[media_type]
    stem = _stem(uploaded)
    name, number = f"{stem}{suffix}", 2
    while name in taken:
        name = f"{stem}-{number}{suffix}"
        number += 1
    return name


def picture_path(name: str) -> str:
    """Where the picture called `name` is in its site."""
    return f"{PICTURE_FOLDER}/{name}"


def is_picture_path(path: str) -> bool:
    """Whether it is a path that only pictures have: replies and hand edits are text."""
    folder, _slash, name = path.partition("/")
    return folder == PICTURE_FOLDER and _STORED.fullmatch(name) is not None


def _stem(uploaded: str) -> str:
    last = re.split(r"[/\\]", uploaded)[-1]
    plain = unicodedata.normalize("NFKD", PurePosixPath(last).stem).encode("ascii", "ignore")
    words = re.findall(r"[a-z0-9]+", plain.decode().lower())
    stem = "-".join(words)[:STEM_MAX_CHARACTERS].strip("-") or _USUAL_STEM
    try:
        # Device names of Windows (CON, LPT1) are no names on every system.
        clean_path(f"{stem}.txt")
    except UnsafePath:
        return f"{_USUAL_STEM}-{stem}"
    return stem
