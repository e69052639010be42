"""Counting tokens without any provider's tokenizer.

One text always splits into the same pieces, and a piece is one token. Rates come out
near what the real tokenizers give: prose in Latin script about 4 characters a token,
code about 3, Chinese, Japanese and Korean about 1.25.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MESSAGE_OVERHEAD_TOKENS = 4
IMAGE_TOKENS = 800
_LETTERS_PER_TOKEN = 8

_CJK = "\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(
    rf"(?P<cjk>[{_CJK}]+)"
    r"|(?P<word> ?[A-Za-z\u00c0-\u024f\u0370-\u04ff]+)"
    r"|\d{1,3}|\s+| ?[^\w\s]{1,4}(?:\n[ \t]*)?|.",
    re.DOTALL,
)


def split_tokens(text: str) -> list[str]:
    """Cut text into one-token pieces; joining them gives the text back."""
    return list(_pieces(text))


def count_tokens(text: str) -> int:
    """Tokens in the text: the number of its pieces."""
    return sum(1 for _ in _pieces(text))


def first_tokens(text: str, limit: int) -> str:
    """The longest beginning of the text that has at most `limit` tokens."""
    return "".join(piece for piece, _ in zip(_pieces(text), range(limit), strict=False))


def _pieces(text: str) -> Iterator[str]:
    for match in _PIECE.finditer(text):
        piece = match.group()
        kind = match.lastgroup
        if kind == "word" and len(piece) > _LETTERS_PER_TOKEN + 1:
            yield from _cut(piece, _LETTERS_PER_TOKEN)
        elif kind == "cjk" and len(piece) > 1:
            yield from _cut_cjk(piece)
        else:
            yield piece


def _cut(piece: str, size: int) -> Iterator[str]:
    for start in range(0, len(piece), size):
        yield piece[start : start + size]


def _cut_cjk(run: str) -> Iterator[str]:
    """Five characters make four tokens: one pair, then three alone."""
    start = 0
    while start < len(run):
        size = 2 if start % 5 == 0 else 1
        yield run[start : start + size]
        start += size
