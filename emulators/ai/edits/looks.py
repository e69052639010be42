# ruff: noqa: E501  (markup and word lists read better on one line)
"""Changing how a site looks: its colours and the size of its text."""

from __future__ import annotations

import re

from emulators.ai.edits.change import Change
from emulators.ai.sites.colours import find_colours, palette

_VARIABLE = re.compile(r"^\s*--(bg|card|ink|muted|line|accent|on|link):\s*([^;]+);")
_DARK = re.compile(r"\bdark(?:er)? (?:mode|theme|version|background)|\bdark\b(?! \w+ (?:text|blue))|深色|暗色|夜间", re.IGNORECASE)  # fmt: skip
_LIGHT = re.compile(r"\blight (?:mode|theme|version)|浅色|亮色", re.IGNORECASE)
_DARK_GROUND, _LIGHT_GROUND = "#14161b", "#faf9f6"


def change_colours(change: Change, request: str) -> bool:
    """Set the colours that a request names, keeping everything readable."""
    asked = find_colours(_with_context(request))
    background, component = asked.background, asked.component
    if _DARK.search(request) and background is None and component is None:
        background = _DARK_GROUND
    elif _LIGHT.search(request) and background is None:
        background = _LIGHT_GROUND
    if background is None and component is None and asked.text is None:
        return False
    for path in change.style_sheets():
        if _set_variables(change, path, background, component, asked.text):
            return True
    return _append_rules(change, background, component, asked.text)


def _with_context(request: str) -> str:
    """A follow-up may be as short as "make it green": say that this is about colour."""
    return (
        request if re.search(r"colou?r|色|background|背景", request, re.I) else request + " colour"
    )


def _set_variables(
    change: Change, path: str, background: str | None, component: str | None, text: str | None
) -> bool:
    lines = change.lines(path)
    places: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        match = _VARIABLE.match(line)
        if match:
            places.setdefault(match.group(1), (number, match.group(2).strip()))
    if "bg" not in places or "accent" not in places:
        return False
    try:
        colours = palette(background or places["bg"][1], component or places["accent"][1], text)
    except ValueError:  # a colour that is no plain colour, such as a gradient
        return False
    numbers = [number for name, (number, _) in places.items() if name in colours]
    first, last = min(numbers), max(numbers)
    new = list(lines[first : last + 1])
    for name, (number, old) in places.items():
        new[number - first] = lines[number].replace(old, colours[name], 1)
    return change.replace_lines(path, first, last, "".join(new))


def _append_rules(
    change: Change, background: str | None, component: str | None, text: str | None
) -> bool:
    colours = palette(background or _LIGHT_GROUND, component or "#0f6f6a", text)
    rules = ""
    if background:
        rules += f"body {{ background: {background}; color: {colours['ink']}; }}\n"
    if component:
        rules += f"button, .button, .btn {{ background: {component}; color: {colours['on']}; }}\n"
        rules += f"a, h1, h2 {{ color: {colours['link']}; }}\n"
    if text:
        rules += f"body {{ color: {text}; }}\n"
    return change.add_style(rules)


def change_size(change: Change, request: str) -> bool:
    """Make the text bigger or smaller: the headings where they are named, else all of it."""
    smaller = re.search(r"smaller|reduce|decrease|小", request, re.IGNORECASE) is not None
    if re.search(r"heading|title|headline|标题", request, re.IGNORECASE):
        size = "clamp(1.6rem, 4vw, 2.4rem)" if smaller else "clamp(3rem, 11vw, 6.5rem)"
        return change.add_style(f"h1 {{ font-size: {size}; }}\n")
    for path in change.style_sheets():
        for number, line in enumerate(change.lines(path)):
            match = re.search(r"(body\s*\{[^}]*font:\s*(?:\d+ )?)(\d+)px", line)
            if match:
                size_px = max(12, int(match[2]) + (-2 if smaller else 3))
                new = line.replace(match[0], f"{match[1]}{size_px}px", 1)
                return change.replace_lines(path, number, number, new)
    return change.add_style(f"html {{ font-size: {'90%' if smaller else '118%'}; }}\n")
