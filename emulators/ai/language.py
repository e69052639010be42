"""Which language a request is in."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")


def is_chinese(text: str) -> bool:
    """Whether the request is Chinese: Han characters outweigh Latin words."""
    return len(_HAN.findall(text)) > 1.5 * len(_LATIN_WORD.findall(text))
