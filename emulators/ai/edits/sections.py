# ruff: noqa: E501  (markup and word lists read better on one line)
"""Adding and removing parts of a site: sections, pages, a banner."""

from __future__ import annotations

import re
from html import escape

from emulators.ai.edits.change import Change
from emulators.ai.edits.words import current_title
from emulators.ai.sites.brief import Brief, Section, read_brief
from emulators.ai.sites.clauses import Clause
from emulators.ai.sites.markup import Context, lead_of, slug, title_of
from emulators.ai.sites.page import module_text, style_text
from emulators.ai.sites.purge import purge
from emulators.ai.sites.rules import find_widget
from emulators.ai.sites.widgets import WIDGETS

_WANTED = re.compile(
    r"\b(?:add|include|insert|put|create|need|want|give (?:it|us|me))\s+(?:in\s+|also\s+|to have\s+)?"
    r"((?:an?\s+|the\s+|some\s+|new\s+|another\s+)*[^.;!?\n]{3,140})"
    r"|(?:新增|增加|添加|加上|加一个|加一|放一个|需要)(?:一个|一些|一段)?([^。；！？\n]{2,40})",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s+(?:(?:to|on|in|at|into|near|below|above|after|before|under) (?:the|this|my|our|it)\b.*|"
    r"sections?|blocks?|area|page|please|called.*|with (?:a |an )?(?:\w+ )?(?:colou?r|background).*)$",
    re.IGNORECASE,
)
_TAIL_ZH = re.compile(r"(?:的)?(?:板块|部分|区域|区块|页面|模块|一下|吧)+$")
_STOP = {"section", "the", "remove", "delete", "please", "from", "page", "part", "block", "and", "all"}  # fmt: skip
_ROWS = 3


def _wanted(request: str) -> list[str]:
    """The things that a request wants added, in its words."""
    found: list[str] = []
    for english, chinese in _WANTED.findall(request):
        if chinese:
            pieces = re.split(r"[、，和与]", chinese)
            found += [_TAIL_ZH.sub("", piece.strip()) for piece in pieces]
            continue
        for piece in re.split(r",\s*(?:and\s+)?|\s+and\s+(?=an?\s|the\s)", english):
            words = _TAIL.sub("", _TAIL.sub("", piece.strip()))
            words = re.sub(r"^.*?\bpage\b\s*(?:for|about|of|with|on|called|named)\s*", "", words)
            words = re.sub(
                r"^(?:(?:an?|the|some|new|another|our|my)\s+)+", "", words, flags=re.IGNORECASE
            )
            found.append(words.strip(" '\"“”"))
    return [words for words in found if len(words) > 1][:4]


def _brief_for(change: Change, request: str) -> Brief:
    """A brief for additions: the site's name, the request's language."""
    brief = read_brief(request, model_id="")
    name = current_title(change.lines(change.main_page()))
    brief.name = name or brief.name
    return brief


def _section(change: Change, brief: Brief, words: str, taken: set[str]) -> tuple[str, str]:
    """A section's HTML and its heading; its styles and scripts are added to the change."""
    kind = brief.kind_key if brief.kind_key != "game" else "company"
    widget = find_widget(words, kind)
    if widget not in WIDGETS or re.search(r"footer|页脚", words):
        widget = "about"
    found = [s for s in brief.sections if s.widget == widget and s.entity]
    entity = found[0].entity if found else str(brief.kind["entity"])
    section = Section(widget, entity, [Clause(words)])
    block = WIDGETS[widget](Context(brief, section, _ROWS))
    title = title_of(section, brief.chinese) or words
    lead = lead_of(section, title, brief.chinese)
    text = f'<p class="lead">{escape(lead)}</p>\n' if lead else ""
    html = (
        f'<section class="block wide" id="{slug(title, taken)}">\n<h2>{escape(title)}</h2>\n'
        f"{text}<div>\n{block.html}</div>\n</section>\n"
    )
    _add_assets(change, brief, block.css, block.js, html)
    return html, title


def _add_assets(
    change: Change, brief: Brief, css: tuple[str, ...], js: tuple[str, ...], html: str
) -> None:
    """Send along only the rules and scripts that the site does not have yet."""
    have_css = "".join(change.current(path) for path in change.style_sheets())
    script = "".join(module_text(name, brief.chinese) for name in js)
    rules = purge(style_text(css, base="--accent" not in have_css, brief=brief), html + script)
    fresh = "".join(
        line + "\n" for line in rules.splitlines() if line.strip() and line not in have_css
    )
    if fresh:
        change.add_style(fresh)
    change.add_scripts(
        {name: module_text(name, brief.chinese) for name in js}, module_text("base", False)
    )


def add_sections(change: Change, request: str) -> bool:
    """Add a section for each thing that the request wants, before the end of the page."""
    note = re.search(r"footer|页脚", request, re.IGNORECASE)
    if note and _footer_note(change, request):
        return True
    brief = _brief_for(change, request)
    path = change.main_page()
    taken = set(re.findall(r'id="([\w-]+)"', change.files[path]))
    html = "".join(_section(change, brief, words, taken)[0] for words in _wanted(request))
    return bool(html) and change.insert_in_page(path, html)


def _footer_note(change: Change, request: str) -> bool:
    quoted = re.search(r"[\"“'「]([^\"”'」]{2,200})[\"”'」]", request)
    words = quoted.group(1) if quoted else " ".join(_wanted(request)) or request
    path = change.main_page()
    for number, line in enumerate(change.lines(path)):
        if "</footer>" in line:
            note = f"<p>{escape(words, quote=False)}</p>\n"
            if line.strip() == "</footer>":
                return change.insert_before(path, number, note)
            new = line.replace("</footer>", note + "</footer>", 1)
            return change.replace_lines(path, number, number, new)
    return False


def add_page(change: Change, request: str) -> bool:
    """Add a page with the site's own head, header and footer, and a link to it."""
    index = change.main_page()
    text = "".join(change.lines(index))
    main = re.search(r"<main\b[^>]*>\n?(.*)</main>", text, re.DOTALL)
    body = main or re.search(r"<body\b[^>]*>\n?(.*?)(?=<footer|<script|</body>)", text, re.DOTALL)
    if body is None:
        return False
    words = (_wanted(request) or ["about us"])[0]
    brief = _brief_for(change, request)
    html, title = _section(change, brief, words, set())
    name = title if title.isascii() else find_widget(words, brief.kind_key)
    path = slug(name, {name.removesuffix(".html") for name in change.files}) + ".html"
    page = text[: body.start(1)] + html + text[body.end(1) :]
    page = re.sub(r"<title>[^<]*</title>", f"<title>{escape(title)} · {escape(brief.name)}</title>", page)  # fmt: skip
    change.new_files[path] = re.sub(r'href="#(?!icon|top)', 'href="index.html#', page)
    return _link_to(change, index, path, title)


def _link_to(change: Change, index: str, path: str, title: str) -> bool:
    link = f'<a href="{path}">{escape(title)}</a>'
    for number, line in enumerate(change.lines(index)):
        if "</nav>" in line:
            new = line.replace("</nav>", link + "</nav>", 1)
            return change.replace_lines(index, number, number, new)
    return change.insert_in_page(index, f"<p>{link}</p>\n")


def remove_section(change: Change, request: str) -> bool:
    """Remove the section whose heading or id shares most words with the request."""
    path = change.main_page()
    lines = change.lines(path)
    wanted = set(re.findall(r"[a-z]{3,}|[\u4e00-\u9fff]{2}", request.lower())) - _STOP
    best: tuple[int, int, int] | None = None
    for first, last in _section_spans(lines):
        head = "".join(lines[first : first + 3]).lower()
        score = sum(1 for word in wanted if word.rstrip("s") in head)
        if not score and re.search(r"[\u4e00-\u9fff]", request):
            score = sum(1 for h in re.findall(r"<h2[^>]*>([^<]+)<", head) if h in request)
        if score and (best is None or score > best[0]):
            best = (score, first, last)
    if best is None:
        return False
    _, first, last = best
    anchor = re.search(r'id="([\w-]+)"', lines[first])
    done = change.replace_lines(path, first, last, "")
    if anchor:
        for number, line in enumerate(lines):
            new = re.sub(rf'<a href="#{re.escape(anchor.group(1))}">[^<]*</a>', "", line)
            if new != line and not first <= number <= last:
                change.replace_lines(path, number, number, new)
    return done


def _section_spans(lines: list[str]) -> list[tuple[int, int]]:
    spans, first = [], None
    for number, line in enumerate(lines):
        if "<section" in line and 'class="hero"' not in line:
            first = number
        if "</section>" in line and first is not None:
            spans.append((first, number))
            first = None
    return spans


def add_banner(change: Change, request: str) -> None:
    """Where nothing else fits: a banner in the request's own words at the top of the page."""
    words = " ".join(request.split())[:200]
    html = (
        '<section class="block wide" id="update" style="background: var(--accent, #0f6f6a); '
        f'color: var(--on, #fff)">\n<h2>{escape(words[:1].upper() + words[1:])}</h2>\n</section>\n'
    )
    path = change.main_page()
    lines = change.lines(path)
    for number, line in enumerate(lines):
        match = re.search(r"<main\b[^>]*>", line) or re.search(r"<body\b[^>]*>", line)
        if match and "</" not in line[match.end() :]:
            new = line[: match.end()] + "\n" + html + line[match.end() :].lstrip("\n")
            if change.replace_lines(path, number, number, new):
                return
    change.insert_in_page(path, html)
