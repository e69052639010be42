"""What the upstream of `script/bench stream` answers: a page whose every chunk says when it was
written, so that the delay on the way is known exactly."""

from __future__ import annotations

from emulators.ai.testing import EmulatorClient

CHUNK_CHARACTERS = 12
STAMP_CHARACTERS = 11
CHUNKS_PER_SECOND = 50
# Two tokens of the emulator's, so that a long answer stays within its limits.
_STAMP = "t" * STAMP_CHARACTERS
_BEFORE = "index.html\n\n```html\n<!doctype html>\n<title>Flour & Salt</title>\n<pre>\n"
_AFTER = "</pre>\n```\n"
_STAMPS_A_LINE = 4


def answer_of(chunks: int) -> str:
    """An answer of exactly so many chunks: one file, its rows of stamps."""
    before = _BEFORE + " " * (-len(_BEFORE) % CHUNK_CHARACTERS)
    after = _AFTER + "\n" * (-len(_AFTER) % CHUNK_CHARACTERS)
    stamps = chunks - (len(before) + len(after)) // CHUNK_CHARACTERS
    ends = (" " if number % _STAMPS_A_LINE else "\n" for number in range(1, stamps + 1))
    return before + "".join(_STAMP + end for end in ends) + after


def prompt_of(chunks: int) -> str:
    """The request that is answered with so many chunks."""
    return f"A site for the bakery Flour & Salt, of {chunks} pieces"


def answer_with(upstream: EmulatorClient, *, chunks: int, per_second: float) -> None:
    """Teach the upstream the answer to `prompt_of(chunks)`."""
    upstream.rule(
        {
            "reply": answer_of(chunks),
            "stamp": _STAMP,
            "chunk_chars": CHUNK_CHARACTERS,
            "chunks_per_second": per_second,
            "first_token_seconds": 0,
        },
        contains=prompt_of(chunks),
    )
