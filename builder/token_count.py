"""How many tokens a text is, without a tokenizer and without the network.

Providers count with their own tokenizers; this is only for the estimate before sending, for the
ceiling, and for a run whose provider reported no usage (flagged as estimated). It looks at the
script: Latin words, digits, punctuation and code, CJK, everything else, and weighs them as the
tokenizer of the model's family does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

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

# A word of ordinary length is about one token; what is longer (keys, base64) is none a tokenizer
# has seen, and falls apart.
_WORD_LETTERS_FREE: Final = 4
_WORD_LETTERS_KNOWN: Final = 14
_TOKENS_PER_UNKNOWN_LETTER: Final = 0.5


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Tokens of each kind of piece: least squares over English requests, Chinese text, HTML, CSS,
    JavaScript, Python and models' replies, against the tokenizer it is named after."""

    word: float
    word_letter: float
    cjk_character: float
    mark: float
    mark_more: float
    digit: float
    newline: float
    spaces: float
    other: float


CL100K: Final = Tokenizer(0.937, 0.056, 1.02, 0.802, 0.291, 0.7, 0.349, 1.137, 1.2)
LLAMA_3: Final = Tokenizer(0.937, 0.055, 0.769, 0.808, 0.287, 0.7, 0.336, 1.131, 1.2)
DEEPSEEK: Final = Tokenizer(0.953, 0.072, 0.643, 0.873, 0.292, 0.7, 0.400, 2.259, 1.2)
QWEN: Final = Tokenizer(0.953, 0.054, 0.667, 0.806, 0.294, 1.0, 0.229, 1.328, 1.2)
MISTRAL: Final = Tokenizer(1.049, 0.026, 1.045, 1.243, 0.264, 1.0, 1.177, 2.395, 1.2)
GEMMA: Final = Tokenizer(0.844, 0.067, 0.681, 1.242, 0.049, 1.0, 1.261, 2.660, 1.2)
# Between them: for whoever is not known, and where no model is meant.
GENERAL: Final = Tokenizer(0.950, 0.060, 0.800, 0.900, 0.280, 0.85, 0.500, 1.700, 1.2)

# By the model's maker. Anthropic publishes none for Claude 3. WizardLM-2 8x22B is a Mixtral.
_OF_MAKER: Final = {
    "OpenAI": CL100K,
    "Google": GEMMA,
    "Meta": LLAMA_3,
    "Mistral": MISTRAL,
    "Microsoft": MISTRAL,
    "DeepSeek": DEEPSEEK,
    "Qwen": QWEN,
}

# Text repeats its pieces; long ones are rare, and would fill the memory.
_REMEMBERED_CHARACTERS = 24


def tokenizer_of(maker: str) -> Tokenizer:
    """The tokenizer of a maker's models, `GENERAL` where it is not known."""
    return _OF_MAKER.get(maker, GENERAL)


def estimate_tokens(text: str, tokenizer: Tokenizer = GENERAL) -> int:
    """Estimated tokens of `text`, 0 for the empty text. Linear time."""
    count, remembered = _counters(tokenizer)
    total = sum(
        remembered(piece) if len(piece) <= _REMEMBERED_CHARACTERS else count(piece)
        for piece in _PIECES.findall(text)
    )
    return round(total) if total >= 1 else int(bool(text))


@lru_cache(maxsize=16)
def _counters(tokenizer: Tokenizer) -> tuple[Callable[[str], float], Callable[[str], float]]:
    """The tokens of one piece, without and with a memory."""

    def count(piece: str) -> float:
        return _tokens_of(piece, tokenizer)

    return count, lru_cache(maxsize=8192)(count)


def _tokens_of(piece: str, rates: Tokenizer) -> float:
    length = len(piece)
    if _WORD.match(piece):
        known = min(length, _WORD_LETTERS_KNOWN) - _WORD_LETTERS_FREE
        unknown = max(length - _WORD_LETTERS_KNOWN, 0)
        return rates.word + max(known, 0) * rates.word_letter + unknown * _TOKENS_PER_UNKNOWN_LETTER
    if _CJK.match(piece):
        return length * rates.cjk_character
    if _MARK.match(piece):
        return rates.mark + (length - 1) * rates.mark_more
    if _DIGITS.match(piece):
        return max(1.0, length * rates.digit)
    if _NEWLINE.match(piece):
        return rates.newline
    if piece.isspace():  # a single space belongs to the word after it
        return rates.spaces if length > 1 else 0.0
    return rates.other
