# ruff: noqa: E501  (markup and word lists read better on one line)
"""Putting a site together: pages, style sheet, script."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from pathlib import Path

from emulators.ai.sites.brief import Brief, Section
from emulators.ai.sites.clauses import english_subject, sentences
from emulators.ai.sites.markup import Block, Context, lead_of, slug, stem, title_of
from emulators.ai.sites.purge import purge
from emulators.ai.sites.widgets import WIDGETS, light_list

_HERE = Path(__file__).parent
_CJK = "'PingFang SC', 'Noto Sans CJK SC'"
_CJK_SERIF = "'Songti SC', 'Noto Serif CJK SC'"
_SANS = f"system-ui, {_CJK}, sans-serif"
_SERIF = f"'Iowan Old Style', Georgia, {_CJK_SERIF}, serif"
_ROUND = f"ui-rounded, 'Trebuchet MS', {_CJK}, sans-serif"
_HEAVY = f"'Avenir Next', 'Arial Narrow', {_CJK}, sans-serif"
_GROTESK = f"'Helvetica Neue', Arial, {_CJK}, sans-serif"
# Text face, display face, corner radius.
_TYPE = {
    "bistro": (_SANS, _SERIF, "4px"),
    "editorial": (_SERIF, _SERIF, "2px"),
    "mosaic": (_GROTESK, _GROTESK, "0px"),
    "voyage": (_SANS, _SERIF, "12px"),
    "poster": (_GROTESK, _HEAVY, "0px"),
    "arcade": (_ROUND, _ROUND, "14px"),
    "card": (_ROUND, _ROUND, "16px"),
    "store": (_SANS, _SERIF, "8px"),
    "split": (_SANS, _SANS, "10px"),
    "bench": (_SANS, _ROUND, "10px"),
    "campus": (_SANS, _SERIF, "6px"),
}
# Widgets that are the first to go where there is little room.
_LESS_MISSED = {"profile", "settings", "share"}
# And the last: a form that was asked for can not be told by a list.
_MOST_MISSED = {"booking", "contact"}
_OWN_PAGES = {"about": "about.html", "contact": "contact.html"}


@dataclass(frozen=True)
class Level:
    """How much is written: rows per widget, sections in full, and whether about is a page.

    Sections beyond the full ones keep their heading and words, with a plain list.
    """

    rows: int
    sections: int
    pages: bool


@dataclass
class _Part:
    section: Section
    title: str
    anchor: str
    lead: str
    block: Block
    page: str = "index.html"


def write_site(brief: Brief, level: Level) -> dict[str, str]:
    """Every file of the site at that level of detail."""
    parts = _parts(brief, level)
    pages = _pages(brief, parts, level)
    js = _script(brief, parts)
    css = purge(_style(brief, parts), "html svg " + js + "".join(pages.values()))
    files = {"index.html": pages.pop("index.html"), "style.css": css}
    if js:
        files["script.js"] = js
    return files | pages


def _parts(brief: Brief, level: Level) -> list[_Part]:
    parts: list[_Part] = []
    taken: set[str] = set()
    titles: set[str] = set()
    layout = brief.kind["layout"]
    order = sorted(brief.sections, key=lambda section: _missed_less(section, brief.request))
    full = {id(section) for section in order[: level.sections]}
    for section in brief.sections:
        context = Context(brief, section, level.rows)
        light = id(section) not in full
        block = (light_list if light else WIDGETS[section.widget])(context)
        title = title_of(section, brief.chinese) or brief.name
        if section.widget.startswith("game_"):
            title = brief.say("Play", "开始游戏")
        if title.lower() in titles:
            title = f"{title} · {context.entity.columns[0]}"
        titles.add(title.lower())
        lead = lead_of(section, title, brief.chinese)
        if layout in ("console", "arcade", "community") and section.widget == "table":
            block.wide = layout == "arcade" or len(parts) == 0
        parts.append(_Part(section, title, slug(title, taken), lead, block))
    return parts


def _missed_less(section: Section, request: str) -> int:
    """Sorts what must be written in full first; a form only where the person asked for it."""
    asked = any(clause.words in request for clause in section.clauses)
    return (section.widget in _LESS_MISSED) - (asked and section.widget in _MOST_MISSED)


def _pages(brief: Brief, parts: list[_Part], level: Level) -> dict[str, str]:
    if level.pages and brief.kind["layout"] not in ("console", "arcade", "bench", "card"):
        asked = re.search(r"\bpages\b|页面", brief.request) is not None
        for part in parts:
            own = _OWN_PAGES.get(part.section.widget)
            if own and (own == "about.html" or asked) and part is not parts[0]:
                part.page = own
    names = ["index.html", *dict.fromkeys(p.page for p in parts if p.page != "index.html")]
    return {name: _page(brief, parts, name) for name in names}


def _page(brief: Brief, parts: list[_Part], name: str) -> str:
    home = name == "index.html"
    title = escape(brief.name)
    own = [part for part in parts if part.page == name]
    body = _hero(brief, own) if home else ""
    for part in parts:
        if part.page == name:
            body += _section(brief, part)
        elif home:
            body += _teaser(brief, part)
    script = '<script src="script.js"></script>\n' if any(part.block.js for part in own) else ""
    heading = title if home else f"{escape(own[0].title)} · {title}"
    html = (
        f'<!DOCTYPE html>\n<html lang="{brief.say("en", "zh-CN")}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="description" content="{escape(brief.line)}">\n<title>{heading}</title>\n'
        '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="style.css">\n</head>\n'
        f'<body id="top">\n{_icon_sheet(brief)}{_header(brief, parts, name)}<main>\n{body}</main>\n'
    )
    html += f"<footer>\n{_footer(brief, html) if home else f'<p>© {title}</p>'}\n</footer>\n"
    return html + script + "</body>\n</html>\n"


@lru_cache(maxsize=1)
def _icons() -> dict[str, str]:
    return tomllib.loads((_HERE / "data" / "icons.toml").read_text(encoding="utf-8"))


def _icon_sheet(brief: Brief) -> str:
    paths = _icons()[brief.kind["icon"]]
    return (
        '<svg hidden><symbol id="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="1.5" stroke-linecap="round">{paths}</symbol></svg>\n'
    )


def _header(brief: Brief, parts: list[_Part], page: str) -> str:
    links = []
    for part in parts[:7]:
        target = part.page if part.page != "index.html" else ""
        if not target:
            target = f"#{part.anchor}" if page == "index.html" else f"index.html#{part.anchor}"
        links.append(f'<a href="{target}">{escape(_short(part.title))}</a>')
    icon = '<svg aria-hidden="true" viewBox="0 0 24 24"><use href="#icon"/></svg> '
    mark = icon if brief.kind["layout"] == "console" else ""
    label = brief.say("Main", "主导航")
    return (
        f'<header class="top"><a class="brand" href="index.html">{mark}{escape(brief.name)}</a>\n'
        f'<nav aria-label="{label}">{"".join(links)}</nav></header>\n'
    )


def _short(title: str) -> str:
    words = title.split()
    picked = words[:3]
    while len(picked) > 1 and picked[-1].lower() in ("and", "of", "the", "for", "to", "a", "·"):
        picked.pop()
    return " ".join(picked)


def _hero(brief: Brief, parts: list[_Part]) -> str:
    target = parts[0].anchor if parts else "top"
    art = '<div class="art" aria-hidden="true"><svg viewBox="0 0 24 24"><use href="#icon"/></svg></div>'
    # A masthead says the name already, so that the headline is free for the line.
    masthead = brief.kind["layout"] == "editorial"
    heading = brief.line if masthead else brief.name
    lead = "" if masthead else f'<p class="lead">{escape(brief.line)}</p>\n'
    return (
        f'<section class="hero"><div><h1>{escape(heading)}</h1>\n{lead}'
        f'<a class="button" href="#{target}">{brief.of_kind("cta")}</a></div>\n{art}</section>\n'
    )


def _section(brief: Brief, part: _Part) -> str:
    wide = " wide" if part.block.wide else ""
    lead = f'<p class="lead">{escape(part.lead)}</p>\n' if part.lead else ""
    return (
        f'<section class="block{wide}" id="{part.anchor}">\n<h2>{escape(part.title)}</h2>\n'
        f"{lead}{_wrapped(brief, part.block.html)}</section>\n"
    )


def _wrapped(brief: Brief, html: str) -> str:
    """In the poster layout a section's body is one column beside its heading."""
    return f"<div>\n{html}</div>\n" if brief.kind["layout"] == "poster" else html


def _teaser(brief: Brief, part: _Part) -> str:
    lead = f"<p>{escape(part.lead)}</p>\n" if part.lead else ""
    more = brief.say("Read more", "了解更多")
    link = f'{lead}<a class="button" href="{part.page}">{more}</a>\n'
    return (
        f'<section class="block" id="{part.anchor}">\n<h2>{escape(part.title)}</h2>\n'
        f"{_wrapped(brief, link)}</section>\n"
    )


def _footer(brief: Brief, html: str) -> str:
    """The name, and whatever the request says that the page does not show yet."""
    rest = _unsaid(brief, html)
    line = f"<p>{escape(rest)}</p>\n" if rest else ""
    return f"{line}<p>© {escape(brief.name)}</p>"


_REWORDED = (
    (r"^(?:please\s+)?(?:implement|develop|create|design|build|make|write)\s+(?:me\s+)?", ""),
    (r"\b(?:users|people|visitors)\s+(?:should|can|must|will)\s+(?:also\s+)?be able to\b", "You can"),
    (r"\b(?:the|this)\s+[\w-]+(?:\s+[\w-]+)?\s+should\s+(?:also\s+)?(?:have|include|provide|be)\b", "Here:"),
    (r"\bshould\b", "can"),
    (r"\b(?:functionalities|functionality|features)\s+(?:for|such as)\s*", ""),
)  # fmt: skip
# Words of a request that name nothing a page could show.
FILLER_WORDS = {
    "please", "implement", "develop", "create", "design", "build", "make", "website", "web", "site",
    "application", "app", "should", "users", "user", "able", "have", "functionalities",
    "functionality", "feature", "features", "with", "that", "such", "including", "include", "also",
    "where", "which", "they", "their", "from", "each", "more", "other", "using", "based", "webpage",
    "page", "pages", "for", "the", "and", "multiple", "system", "provide",
}  # fmt: skip


def _unsaid(brief: Brief, html: str) -> str:
    if brief.chinese:
        return ""
    shown = {stem(word) for word in re.findall(r"[a-z0-9][\w'’-]*", _visible(html).lower())}
    told = []
    first = True
    for sentence in sentences(brief.request):
        words = re.findall(r"[a-z][\w'’-]{3,}", sentence.lower())
        missing = [w for w in words if w not in FILLER_WORDS and stem(w) not in shown]
        if missing:
            text = english_subject(brief.request) if first and len(missing) < 3 else sentence
            for pattern, new in _REWORDED:
                text = re.sub(pattern, new, text, flags=re.IGNORECASE)
            text = text.strip()
            told.append(text[:1].upper() + text[1:].rstrip(". ") + ".")
        first = False
    return " ".join(told)


def _visible(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html.split("<body", 1)[-1]))


def _style(brief: Brief, parts: list[_Part]) -> str:
    sheets = tuple(dict.fromkeys(name for part in parts for name in part.block.css))
    layout = _asset("layouts", f"{brief.kind['layout']}.css")
    return style_text(sheets, base=True, brief=brief) + layout


def style_text(sheets: tuple[str, ...], *, base: bool, brief: Brief) -> str:
    """The rules of these sheets; with `base`, the colours, the type and what all share."""
    text = "".join(_asset("css", f"{name}.css") for name in sheets)
    if not base:
        return text
    sans, display, radius = _TYPE.get(brief.kind["layout"], (_SANS, _SANS, "10px"))
    names = "".join(f"  --{name}: {value};\n" for name, value in brief.colours.items())
    root = (
        f":root {{\n{names}  --sans: {sans};\n  --display: {display};\n  --round: {radius};\n}}\n"
    )
    return root + _asset("css", "base.css") + text


def _script(brief: Brief, parts: list[_Part]) -> str:
    names = list(dict.fromkeys(name for part in parts for name in part.block.js))
    if not names:
        return ""
    # A game's setting is read by its script, so games come last.
    names.sort(key=lambda name: name.startswith("game_"))
    return "\n".join(module_text(name, brief.chinese) for name in ["base", *names])


def module_text(name: str, chinese: bool) -> str:
    """One script module, its {{english|chinese}} texts in one language."""
    return re.sub(
        r"\{\{([^|{}]*)\|([^|{}]*)\}\}",
        lambda match: match[2] if chinese else match[1],
        _asset("js", f"{name}.js"),
    )


@lru_cache(maxsize=256)
def _asset(folder: str, name: str) -> str:
    return (_HERE / "assets" / folder / name).read_text(encoding="utf-8")
