# ruff: noqa: E501  (markup and word lists read better on one line)
"""From a request to a brief: what kind of site, its name, its colours, its sections."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from emulators.ai.language import is_chinese
from emulators.ai.sites.clauses import (
    Clause,
    chinese_clauses,
    english_clauses,
    english_subject,
)
from emulators.ai.sites.colours import find_colours, palette
from emulators.ai.sites.entities import find_entity_key
from emulators.ai.sites.rules import find_game, find_widget

_DATA = Path(__file__).with_name("data")
_ENOUGH_SECTIONS = 4


@dataclass
class Section:
    """One section of the site: a widget about something, and the words that asked for it."""

    widget: str
    entity: str | None
    clauses: list[Clause] = field(default_factory=list)

    @property
    def words(self) -> str:
        """All its words, for choosing details."""
        return " ".join(" ".join((clause.words, *clause.parts)) for clause in self.clauses)


@dataclass
class Brief:
    """What to build."""

    request: str
    chinese: bool
    kind: dict[str, Any]
    kind_key: str
    name: str
    line: str
    colours: dict[str, str]
    component_asked: bool
    sections: list[Section]
    seed: int

    def say(self, english: str, chinese: str) -> str:
        """The one of two texts in the request's language."""
        return chinese if self.chinese else english

    def of_kind(self, name: str) -> Any:
        """A field of the kind, in the request's language."""
        return self.kind[name + ("_zh" if self.chinese else "")]


@lru_cache(maxsize=1)
def kinds() -> dict[str, dict[str, Any]]:
    """Every kind of site, by its key."""
    return tomllib.loads((_DATA / "kinds.toml").read_text(encoding="utf-8"))


def read_brief(request: str, *, model_id: str) -> Brief:
    """Read a request. The same request and model give the same brief."""
    chinese = is_chinese(request)
    seed = int.from_bytes(sha256(f"{model_id}\n{request}".encode()).digest()[:4], "big")
    subject = "" if chinese else english_subject(request)
    kind_key = _kind(request, subject, chinese)
    kind = kinds()[kind_key]
    asked = find_colours(request)
    own_background, own_component = kind["palettes"][seed % len(kind["palettes"])]
    if asked.background and not asked.component and asked.background != own_component:
        own_component = kind["palettes"][0][1]
    colours = palette(
        asked.background or own_background, asked.component or own_component, asked.text
    )
    name = _name(request, subject, kind, chinese, seed)
    return Brief(
        request=request,
        chinese=chinese,
        kind=kind,
        kind_key=kind_key,
        name=name,
        line=_line(request, kind, chinese),
        colours=colours,
        component_asked=asked.component is not None,
        sections=_sections(request, kind_key, kind, chinese),
        seed=seed,
    )


def _kind(request: str, subject: str, chinese: bool) -> str:
    """The kind whose words the subject names, else the one the request names most."""
    first = re.split(r"(?<=[.!?。！？])\s*", request.strip())[0]
    best, best_score = "company", 0.0
    for order, (key, kind) in enumerate(kinds().items()):
        if not kind["match"]:
            continue
        pattern = re.compile(kind["match"], re.IGNORECASE)
        score = (
            6 * len({m.lower() for m in pattern.findall(subject)})
            + 2 * len({m.lower() for m in pattern.findall(first)})
            + 0.1 * len({m.lower() for m in pattern.findall(request)})
            - order * 0.01
        )
        if key == "console" and _BACK_OFFICE.search(subject):
            score += 4
        if score > best_score + 0.001 and score >= 0.08:
            best, best_score = key, score
    return best


_BACK_OFFICE = re.compile(r"management|dashboard|\bsystem\b|\badmin|\bcrm\b|\berp\b", re.I)
_NAMED = (
    re.compile(r"(?:called|named|titled|for my (?:company|shop|brand)|名为|名叫|叫做?|名字是)\s*[“\"'「《‘]([^”\"'」》’]{2,40})[”\"'」》’]"),
    re.compile(r"\b(?:called|named|titled)\s+((?:[A-Z0-9][\w'’&.-]*|&|and|of|the|de|la)(?:\s+(?:[A-Z0-9][\w'’&.-]*|&|and|of|the|de|la))*)"),
    re.compile(r"[“「《]([^”」》]{2,20})[”」》]"),
    re.compile(r"(?:名为|名叫|叫做?|名字是)\s*([\u4e00-\u9fffA-Za-z0-9]{2,10}?)(?=的|，|。|,|\s|$)"),
    re.compile(r"\b(?:for|of|promoting)\s+(?:the\s+)?((?:The\s+)?(?:[A-Z][\w'’-]*|&|of|and)(?:\s+(?:[A-Z][\w'’-]*|&|of|and|the))+)"),
    re.compile(r"\b(?i:saas|startup|app|brand|shop|bakery|café|cafe|restaurant|company|business|store|studio),?\s+([A-Z][a-z]+(?:[A-Z][a-z]+)?(?:\s+[A-Z][\w&]*)*)"),
    re.compile(r"[\"“]([A-Z][^\"”]{2,40})[\"”]"),
)  # fmt: skip
_FILLER = re.compile(
    r"\b(?:websites?|web ?sites?|web ?pages?|webpages?|web applications?|web apps?|pages?|sites?|"
    r"application|apps?|mini-program|one-page|single-page|landing|simple|modern|beautiful|warm|"
    r"responsive|clean|elegant|minimalistic|minimalist|smart|online|for|a|an|the|my|our|and|feature|"
    r"professional|please|web-based|browser|text-based|nice|small|cross-platform|industry)\b",
    re.IGNORECASE,
)


def _name(request: str, subject: str, kind: dict[str, Any], chinese: bool, seed: int) -> str:
    for pattern in _NAMED:
        match = pattern.search(request)
        if match:
            name = re.sub(r"(?:\s+(?:and|of|the|de|la|&))+$", "", match.group(1).strip(" .,，。"))
            if name.lower() not in ("home", "please", "users") and len(name) > 1:
                return name
    own = kind["names_zh" if chinese else "names"]
    fallback = str(own[seed % len(own)])
    if chinese:
        return fallback
    words = re.sub(r"\b(?:for|of|that|with|in)\b.*", "", subject)
    words = " ".join(_FILLER.sub(" ", words).split()).strip(" ,'’")
    if not words:
        words = _purpose_name(request)
    long_enough = 4 <= len(words) <= 42
    places = kind["layout"] in ("console", "bench", "arcade", "community", "campus", "editorial")
    if long_enough and (places or len(words.split()) >= 2):
        return " ".join(w if w[0].isupper() else w.capitalize() for w in words.split()[:5])
    return fallback


def _purpose_name(request: str) -> str:
    """A name out of "a website for generating stock reports": what is generated."""
    match = re.search(
        r"\b(?:website|site|webpage|platform|app|application)\s+(?:for|that|to)\s+"
        r"(?:\w+ing|\w+s|\w+)\s+((?:[\w'’-]+\s*){1,4})",
        request,
    )
    words = match.group(1) if match else ""
    words = re.split(r"\b(?:to|for|and|or|with|in|from|by|that|about|user)\b", words)[0]
    return words.strip()


def _line(request: str, kind: dict[str, Any], chinese: bool) -> str:
    """The tagline: what the request says the site is for, else the kind's own line."""
    if chinese:
        return str(kind["line_zh"])
    match = re.search(
        r"\b(?:that|which|for|to)\s+((?:\w+ing|provide|display|showcase|showcases|connects?|answers?|"
        r"provides?|displays?|promote|allows? customers to)\s[^.;,]{8,90})",
        request.split(". ")[0],
    )
    if not match:
        return str(kind["line"])
    words = re.sub(
        r"^(\w+?)s (?=\w)",
        lambda m: m[1] + " " if m[1] in _VERBS else m[0],
        match.group(1).strip(),
    )
    return words[:1].upper() + words[1:].rstrip(" .") + "."


_VERBS = {"provide", "display", "connect", "answer", "showcase"}


def _sections(request: str, kind_key: str, kind: dict[str, Any], chinese: bool) -> list[Section]:
    clauses = chinese_clauses(request) if chinese else english_clauses(request)
    subject_entity = None if chinese else _entity(re.split(r"\. |。", request)[0], kind_key)
    sections: list[Section] = []
    if game := find_game(request, kind_key):
        sections.append(Section(game, None, []))
    for clause in clauses:
        for part in _apart(clause, kind_key):
            _add(sections, part, kind_key, subject_entity)
    asked = [section for section in sections if section.clauses]
    if len(asked) < _ENOUGH_SECTIONS:
        have = {section.widget for section in sections}
        for words in kind["sections_zh" if chinese else "sections"]:
            widget = find_widget(words, kind_key)
            if widget not in have:
                have.add(widget)
                _add(sections, Clause(words), kind_key, subject_entity or str(kind["entity"]))
    for section in sections:
        section.entity = section.entity or str(kind["entity"])
    return sections


def _apart(clause: Clause, kind_key: str) -> list[Clause]:
    """A clause whose parts need widgets of their own, as several; else itself."""
    widgets = {find_widget(part, kind_key) for part in clause.parts}
    if len(widgets - {"table", "catalog", "note", "game"}) >= 2:
        return [Clause(part) for part in clause.parts]
    return [clause]


def _add(
    sections: list[Section], clause: Clause, kind_key: str, subject_entity: str | None
) -> None:
    """Put a clause where it belongs: into a section of the same kind, or a new one."""
    words = " ".join((clause.words, *clause.parts))
    widget = find_widget(words, kind_key)
    entity = _entity(clause.words, kind_key) or _entity(words, kind_key)
    if widget == "note" and not sections:
        widget = "about"
    if widget == "settings" and sections and sections[0].widget == "game_chess":
        widget = "game"  # its themes and levels stand beside the board
    if widget in ("game", "note") and sections:
        sections[0].clauses.append(clause)
        return
    for section in sections:
        same = section.entity == entity or entity is None or widget not in _BY_ENTITY
        if section.widget == widget and same:
            section.clauses.append(clause)
            return
    if widget in ("catalog", "table") and entity is not None:
        for section in sections:
            if section.widget in ("catalog", "table") and section.entity == entity:
                section.clauses.append(clause)
                return
    sections.append(Section(widget, entity or subject_entity, [clause]))


def _entity(words: str, kind_key: str) -> str | None:
    """What the words talk about; a menu is of what the house serves."""
    key = find_entity_key(words)
    return _HOUSE_WORDS.get((kind_key, key or ""), key)


_HOUSE_WORDS: dict[tuple[str, str], str | None] = {
    ("bakery", "menu"): "bakes",
    ("fitness", "courses"): "fitness",
    ("fitness", "team"): "fitness",
    ("restaurant", "orders"): "events",
    ("restaurant", "services"): "drinks",
    ("restaurant", "team"): "menu",
    ("clinic", "services"): "care",
    ("clinic", "team"): "care",
    ("event", "tickets"): "events",
    ("event", "team"): "events",
    ("memorial", "articles"): "obituaries",
    ("shop", "menu"): None,
    ("clinic", "menu"): None,
    ("console", "menu"): None,
}


_BY_ENTITY = {"catalog", "table"}
