"""Comments by which a lazy model stands in for code it did not write."""

import re

_COMMENT = re.compile(
    r"^\s*(?:<!--(?P<html>.*?)-->|/\*+(?P<block>.*?)\*+/|\{/\*(?P<jsx>.*?)\*/\}"
    r"|//+(?P<slash>.*)|#+(?P<hash>.*)|(?P<dots>\.{3}.*|…+.*))\s*$"
)
_ENGLISH = re.compile(
    r"\b(?:rest|remainder|remaining|existing|other|previous|same|original|unchanged|above|as"
    r" before|all)\b.*\b(?:unchanged|same|code|content|contents|styles?|scripts?|markup|html|css"
    r"|rules|sections?|here|before|remains?|goes|functions?|file|page|as is)\b",
    re.IGNORECASE,
)
_CODE_STAYS = re.compile(
    r"\b(?:rest|remainder) of\b|\bremains? (?:the same|unchanged)\b|\b(?:is|are) unchanged\b"
    r"|\b(?:unchanged|no changes?|same as (?:before|above)|stays? the same|keep (?:the )?"
    r"(?:existing|rest))\b|\bexisting (?:code|content|styles?|markup|html|css|javascript|js)\b",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"(?:其余|其他|其它|剩余|剩下|原有|现有|之前|以上|上面|余下).{0,12}"
    r"(?:不变|保持|相同|一样|省略|代码|内容|样式|部分|同上)|(?:代码|内容|部分|样式)(?:保持)?不变|此处省略|同上"
)
_DOTS = re.compile(r"^\s*(?:\.{3}|…)|(?:\.{3}|…)\s*$")


def elided_line(text: str, *, known: str = "") -> str | None:
    """The first line of `text` that stands for left-out code and is not in `known`, or None."""
    known_lines: set[str] | None = None
    for line in text.split("\n"):
        if len(line) > 300 or not _is_elision(line):
            continue
        if known_lines is None:
            known_lines = {other.strip() for other in known.split("\n")}
        if line.strip() not in known_lines:
            return line.strip()
    return None


def _is_elision(line: str) -> bool:
    found = _COMMENT.match(line)
    if not found:
        return False
    inner = next(group for group in found.groups() if group is not None).strip()
    if _CODE_STAYS.search(inner) or _CHINESE.search(inner):
        return True
    alone = found["dots"] is None and inner in ("...", "…")
    return alone or bool(_DOTS.search(inner) and _ENGLISH.search(inner))
