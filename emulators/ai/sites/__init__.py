"""Whole websites, chosen and filled from a request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from emulators.ai.catalog import Detail
from emulators.ai.sites.brief import read_brief
from emulators.ai.sites.page import Level, write_site
from emulators.ai.tokens import count_tokens

# What a model of that detail is content with, in tokens.
_WANTED_TOKENS: dict[Detail, int] = {"compact": 3_900, "standard": 5_000, "rich": 5_800}
# Tried from the first that suits the detail until one fits.
_LEVELS = (
    Level(5, 9, pages=True),
    Level(4, 9, pages=True),
    Level(3, 9, pages=True),
    Level(3, 9, pages=False),
    Level(3, 7, pages=False),
    Level(3, 6, pages=False),
    Level(3, 5, pages=False),
    Level(3, 4, pages=False),
    Level(3, 3, pages=False),
    Level(2, 2, pages=False),
    Level(1, 1, pages=False),
)
_FORMAT_TOKENS = 160


_tokens = lru_cache(maxsize=512)(count_tokens)


@dataclass(frozen=True)
class Site:
    """A finished site: its name and its files by path."""

    name: str
    files: dict[str, str]


def build_site(request: str, *, model_id: str, detail: Detail, room: int = 100_000) -> Site:
    """Build the site that a request asks for, as rich as the model's habit and the room allow."""
    brief = read_brief(request, model_id=model_id)
    wanted = min(_WANTED_TOKENS[detail], room - _FORMAT_TOKENS)
    first = {"rich": 0, "standard": 1, "compact": 2}[detail]
    files: dict[str, str] = {}
    for level in _LEVELS[first:]:
        files = write_site(brief, level)
        if sum(_tokens(text) for text in files.values()) <= wanted:
            break
    return Site(brief.name, files)
