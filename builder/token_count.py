"""How many tokens a text is, without a tokenizer and without the network.

Providers count with their own tokenizers; this is only for the estimate before sending, for the
ceiling, and for a run whose provider reported no usage (flagged as estimated). It looks at the
script: Latin words, digits, punctuation and code, CJK, everything else.
"""

from __future__ import annotations

import re

_PIECES = re.compile(
    r"(?P<word>[A-Za-zÀ-ɏ]+)"
    r"|(?P<digits>[0-9]+)"
    r"|(?P<cjk>[⺀-鿿가-힣豈-﫿　-〿＀-￯\U00020000-\U0003ffff]+)"
    r"|(?P<newline>\s*\n\s*)"
    r"|(?P<space>[^\S\n]+)"
    r"|(?P<mark>[!-/:-@\[-`{-~]+)"
    r"|(?P<other>[^\s])"
)

# Tokens per character of each kind, from published figures of byte-pair tokenizers: about 4-5
# Latin letters, 3 digits, 2 marks of code to a token; a Chinese character is 0.6 to 1.1.
_WORD_LETTERS_PER_TOKEN = 5.5
_DIGITS_PER_TOKEN = 3
_MARKS_PER_TOKEN = 2.2
_TOKENS_PER_CJK_CHARACTER = 0.85


def estimate_tokens(text: str) -> int:
    """Estimated tokens of `text`, 0 for the empty text. Linear time."""
    total = 0.0
    for match in _PIECES.finditer(text):
        kind = match.lastgroup
        length = match.end() - match.start()
        if kind == "word":
            total += max(1.0, length / _WORD_LETTERS_PER_TOKEN)
        elif kind == "cjk":
            total += length * _TOKENS_PER_CJK_CHARACTER
        elif kind == "mark":
            total += max(0.7, length / _MARKS_PER_TOKEN)
        elif kind == "digits":
            total += max(1.0, length / _DIGITS_PER_TOKEN)
        elif kind == "newline":
            total += 1
        elif kind == "other":
            total += 1.2
        elif length > 1:  # a single space belongs to the word after it
            total += 1
    return round(total) if total >= 1 else int(bool(text))
