"""Colours: finding the ones a request asks for, and making a whole palette of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from PIL import ImageColor

Role = Literal["background", "component", "text"]

_MORE_NAMES = {
    "azure mist": "azure", "light goldenrod": "lightgoldenrodyellow", "mint": "#d5f2e3",
    "cream": "#fff8e7", "burgundy": "#800020", "charcoal": "#36454f", "sage": "#b2ac88",
    "terracotta": "#c8553d", "mustard": "#d9a404", "blush": "#f7d6d9", "emerald": "#0f8a5f",
    "forest": "forestgreen", "off-white": "#faf7f2", "off white": "#faf7f2",
    "sky": "skyblue", "rose": "#e11d48", "amber": "#d97706", "sand": "#f2e6d0",
    "baby blue": "#bfe3f7", "pastel pink": "#fbd9e1", "pastel blue": "#cfe3f5",
    "royal purple": "#6a3fa0", "dark mode": "#14161b",
    "海军蓝": "#1b2a4e", "藏青": "#1b2a4e", "浅灰": "#e5e7eb", "深灰": "#374151",
    "深蓝": "#12306b", "天蓝": "#87ceeb", "浅蓝": "#dbeafe", "蓝": "#1d4ed8",
    "深红": "#8b0000", "粉红": "#fbcfe8", "粉": "#fbcfe8", "红": "#c81e1e",
    "墨绿": "#14532d", "浅绿": "#dcfce7", "深绿": "#14532d", "绿": "#15803d",
    "米": "#faf3e3", "橙": "#ea580c", "黄": "#eab308", "紫": "#7c3aed", "黑": "#111318",
    "白": "#ffffff", "灰": "#6b7280", "棕": "#7b4b27", "咖啡": "#6f4e37", "金": "#b8860b",
    "青": "#0e7490",
}  # fmt: skip
_SPACED = {
    "alice blue", "antique white", "blanched almond", "blue violet", "burly wood", "cadet blue",
    "cornflower blue", "corn silk", "dark blue", "dark cyan", "dark goldenrod", "dark gray",
    "dark green", "dark grey", "dark khaki", "dark magenta", "dark olive green", "dark orange",
    "dark orchid", "dark red", "dark salmon", "dark sea green", "dark slate blue",
    "dark slate gray", "dark slate grey", "dark turquoise", "dark violet", "deep pink",
    "deep sky blue", "dim gray", "dim grey", "dodger blue", "fire brick", "floral white",
    "forest green", "ghost white", "golden rod", "green yellow", "honey dew", "hot pink",
    "indian red", "lavender blush", "lawn green", "lemon chiffon", "light blue", "light coral",
    "light cyan", "light goldenrod yellow", "light gray", "light green", "light grey",
    "light pink", "light salmon", "light sea green", "light sky blue", "light slate gray",
    "light steel blue", "light yellow", "lime green", "medium aquamarine", "medium blue",
    "medium orchid", "medium purple", "medium sea green", "medium slate blue",
    "medium spring green", "medium turquoise", "medium violet red", "midnight blue", "mint cream",
    "misty rose", "navajo white", "navy blue", "old lace", "olive drab", "orange red",
    "pale goldenrod", "pale green", "pale turquoise", "pale violet red", "papaya whip",
    "peach puff", "powder blue", "rebecca purple", "rosy brown", "royal blue", "saddle brown",
    "sandy brown", "sea green", "sea shell", "sky blue", "slate blue", "slate gray",
    "slate grey", "spring green", "steel blue", "white smoke", "yellow green",
}  # fmt: skip
_CSS_NAMES = {
    **{name: name for name in ImageColor.colormap},
    **{name: name.replace(" ", "") for name in _SPACED},
    "navy blue": "navy",
    **_MORE_NAMES,
}
_LATIN = sorted((name for name in _CSS_NAMES if name.isascii()), key=len, reverse=True)
_HAN = sorted((name for name in _CSS_NAMES if not name.isascii()), key=len, reverse=True)
_COLOUR = re.compile(
    r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b"
    rf"|\b(?:{'|'.join(re.escape(name) for name in _LATIN)})\b"
    rf"|(?:{'|'.join(_HAN)})色?(?=[的背底主按调系文字，。、为和与作]|$)",
    re.IGNORECASE,
)
_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("text", re.compile(r"\b(?:text|font|lettering|type)\b|文字|字体")),
    (
        "component",
        re.compile(
            r"component|\bui\b|element|interface|block|control|button|accent|header|piece|"
            r"visual|primary|heading|nav|link|card|detail|按钮|组件|主色|强调|导航|标题|主题"
        ),
    ),
    ("background", re.compile(r"background|backdrop|layout|container|\bpage|背景|底色")),
)
_CONTEXT = re.compile(
    r"colou?r|background|theme|palette|\btones?\b|accent|button|header|scheme|\bui\b|styl"
    r"|component|\b(?:in|a|an)\s+(?:\S+\s+){1,4}?(?:website|site|page|design|look)\b"
    r"|\b(?:website|site|page|design|look)\b.*\bin\s"
    r"|色|背景|按钮",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Asked:
    """Colours a request names, as CSS values; None where it names none."""

    background: str | None = None
    component: str | None = None
    text: str | None = None


def find_colours(text: str) -> Asked:
    """The colours that a request asks for, each in the role it is asked for."""
    found: dict[Role, str] = {}
    for sentence in re.split(r"(?<=[.!?。！？;；\n])\s*", text):
        if _CONTEXT.search(sentence):
            _read_sentence(sentence.lower(), found)
    return Asked(found.get("background"), found.get("component"), found.get("text"))


def is_colour_sentence(sentence: str) -> bool:
    """Whether a sentence speaks of colours and nothing else that a page could show."""
    lower = sentence.lower()
    says_role = any(pattern.search(lower) for _, pattern in _ROLES[1:])
    return bool(_COLOUR.search(sentence)) and bool(_CONTEXT.search(sentence)) and says_role


def _read_sentence(sentence: str, found: dict[Role, str]) -> None:
    matches = list(_COLOUR.finditer(sentence))
    for position, match in enumerate(matches):
        role = _role_of(sentence, matches, position)
        if role is None and position == 0 and len(matches) > 1:
            role = "background" if "background" not in found else "component"
        found.setdefault(role or "component", css_colour(match.group()))


def _role_of(sentence: str, matches: list[re.Match[str]], position: int) -> Role | None:
    """The role named nearest to a colour, between its neighbours."""
    match = matches[position]
    low = matches[position - 1].end() if position else 0
    high = matches[position + 1].start() if position + 1 < len(matches) else len(sentence)
    after = re.split(r"[;；,，]|\band\b|\bthen\b|和|，", sentence[match.end() : high])[0]
    before = re.split(r"[;；,，]|\band\b|\bthen\b|和|，", sentence[low : match.start()])[-1]
    for words in (after, before):
        best: tuple[int, Role] | None = None
        for role, pattern in _ROLES:
            for hit in pattern.finditer(words):
                distance = hit.start() if words is after else len(words) - hit.end()
                if best is None or distance < best[0]:
                    best = (distance, role)
        if best:
            return best[1]
    return None


def css_colour(words: str) -> str:
    """A colour's words as a CSS value: a hex, or one of CSS's own names."""
    key = words.lower().strip()
    if key.startswith("#"):
        return key
    return _CSS_NAMES.get(key) or _CSS_NAMES.get(key.removesuffix("色"), "#0f6f6a")


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of a CSS colour, 0 to 255."""
    red, green, blue, *_ = ImageColor.getrgb(colour)
    return red, green, blue


def mix(first: str, second: str, share: float) -> str:
    """A hex colour between two: `share` of the second."""
    pairs = zip(rgb(first), rgb(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def contrast(first: str, second: str) -> float:
    """Contrast ratio as WCAG 2 defines it, 1 to 21."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [value / 255 for value in rgb(colour)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def palette(background: str, component: str, text: str | None = None) -> dict[str, str]:
    """Every colour of a page from two: surfaces, ink, lines, and what stands on the component."""
    dark = _luminance(background) < 0.2
    ink = text or mix("#f4f4f2" if dark else "#17181c", component, 0.08)
    if text is None and contrast(ink, background) < 7:
        ink = max("#ffffff", "#000000", key=lambda colour: contrast(colour, background))
    card = mix(background, "#ffffff", 0.07 if dark else 0.72)
    light, deep = "#ffffff", mix("#111111", component, 0.1)
    on = light if contrast(light, component) >= contrast(deep, component) else deep
    if contrast(on, component) < 4.5:
        on = max("#ffffff", "#000000", key=lambda colour: contrast(colour, component))
    return {
        "bg": background,
        "card": card,
        "ink": ink,
        "muted": _readable(mix(ink, background, 0.34), card, ink),
        "line": mix(background, ink, 0.16),
        "accent": component,
        "on": on,
        "link": _readable(component, background, ink),
    }


def _readable(colour: str, surface: str, ink: str) -> str:
    """The colour, moved towards the ink until text in it can be read (4.6 to 1)."""
    for step in range(11):
        candidate = mix(colour, ink, step / 10) if step else colour
        if contrast(candidate, surface) >= 4.6:
            return candidate
    return ink
