"""How many tokens a text is, without a tokenizer and without the network.

Providers count with their own tokenizers; this is only for the estimate before sending, for the
ceiling, and for a run whose provider reported no usage (flagged as estimated). It looks at the
script: Latin words, digits, punctuation and code, CJK, everything else.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")
_DIGITS = re.compile(r"[0-9]+")
_CJK = re.compile(r"[⺀-鿿가-힣豈-﫿　-〿＀-￯\U00020000-\U0003ffff]+")
_NEWLINE = re.compile(r"\s*\n\s*")
_SPACE = re.compile(r"[^\S\n]+")
_MARK = re.compile(r"[!-/:-@\[-`{-~]+")
# In this order; any other character is a piece of its own.
_PIECES = re.compile(
    "|".join(kind.pattern for kind in (_WORD, _DIGITS, _CJK, _NEWLINE, _SPACE, _MARK)) + r"|\S"
)

# Tokens per character of each kind, from published figures of byte-pair tokenizers: about 4-5
# Latin letters, 3 digits, 2 marks of code to a token; a Chinese character is 0.6 to 1.1.
_WORD_LETTERS_PER_TOKEN = 5.5
_DIGITS_PER_TOKEN = 3
_MARKS_PER_TOKEN = 2.2
_TOKENS_PER_CJK_CHARACTER = 0.85


# Text repeats its pieces; long ones are rare, and would fill the memory.
_REMEMBERED_CHARACTERS = 24


def estimate_tokens(text: str) -> int:
    """Estimated tokens of `text`, 0 for the empty text. Linear time."""
    total = sum(
        _remembered(piece) if len(piece) <= _REMEMBERED_CHARACTERS else _tokens_of(piece)
        for piece in _PIECES.findall(text)
    )
    return round(total) if total >= 1 else int(bool(text))


def _tokens_of(piece: str) -> float:
    length = len(piece)
    if _WORD.match(piece):
        return max(1.0, length / _WORD_LETTERS_PER_TOKEN)
    if _CJK.match(piece):
        return length * _TOKENS_PER_CJK_CHARACTER
    if _MARK.match(piece):
        return max(0.7, length / _MARKS_PER_TOKEN)
    if _DIGITS.match(piece):
        return max(1.0, length / _DIGITS_PER_TOKEN)
    if _NEWLINE.match(piece):
        return 1.0
    if piece.isspace():  # a single space belongs to the word after it
        return 1.0 if length > 1 else 0.0
    return 1.2


_remembered = lru_cache(maxsize=8192)(_tokens_of)
