"""Leaving out the style rules that a site does not use, so that answers stay short."""

from __future__ import annotations

import re

_RULE = re.compile(
    r"^(?P<indent>\s*)(?P<selectors>[^@{}][^{}]*?)\s*\{(?P<body>[^{}]*)\}", re.MULTILINE
)
_NAME = re.compile(r"[.#]([A-Za-z][\w-]*)")
_ELEMENT = re.compile(r"(?<![\w.#:\[=-])([a-z][a-z0-9]*)(?![\w(-])")
_ATTRIBUTE = re.compile(r"\[[^\]]*\]|:{1,2}[\w-]+(?:\([^)]*\))?")
_WORD = re.compile(r"[A-Za-z][\w-]*")


def purge(css: str, used: str) -> str:
    """The rules whose classes, ids and elements occur in the text that uses the sheet."""
    words = set(_WORD.findall(used))

    def keep(match: re.Match[str]) -> str:
        selectors = [s.strip() for s in match["selectors"].split(",")]
        kept = [s for s in selectors if _occurs(s, words)]
        if not kept:
            return "\0"
        return f"{match['indent']}{', '.join(kept)} {{{match['body']}}}"

    text = _RULE.sub(keep, css)
    text = re.sub(r"[ \t]*\0[ \t]*\n?", "", text)
    return re.sub(r"@media[^{]*\{\s*\}\n?", "", text)


def _occurs(selector: str, words: set[str]) -> bool:
    names = _NAME.findall(selector)
    plain = _ATTRIBUTE.sub("", selector)
    elements = _ELEMENT.findall(re.sub(r"[.#][\w-]+", "", plain))
    return all(name in words for name in (*names, *elements))
