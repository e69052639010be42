"""How many input tokens a picture is. Providers publish their formulas; the dearest counts here,
so that no ceiling is ever too low.

Anthropic: width × height ÷ 750, at most about 1,600
(docs.claude.com/en/docs/build-with-claude/vision). OpenAI, high detail: fitted into 2,048 × 2,048,
the short side to 768, then 85 + 170 for each tile of 512
(platform.openai.com/docs/guides/images-vision). Qwen-VL: one for each 28 × 28, at most 1,280, and
two around them (help.aliyun.com/en/model-studio/vision). Gemini: 258 up to 384 × 384, else 258
for each tile of 768 (ai.google.dev/gemini-api/docs/tokens).
"""

from __future__ import annotations

from math import ceil


def picture_tokens(width: int, height: int) -> int:
    """Input tokens of a picture of `width` × `height` pixels, as sent; both at least 1."""
    return max(
        _anthropic(width, height),
        _openai(width, height),
        _qwen(width, height),
        _gemini(width, height),
    )


def _anthropic(width: int, height: int) -> int:
    return min(1_600, ceil(width * height / 750))


def _openai(width: int, height: int) -> int:
    scale = min(1.0, 2_048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    return 85 + 170 * ceil(width * scale / 512) * ceil(height * scale / 512)


def _qwen(width: int, height: int) -> int:
    return min(1_280, ceil(width / 28) * ceil(height / 28)) + 2


def _gemini(width: int, height: int) -> int:
    if width <= 384 and height <= 384:
        return 258
    return 258 * ceil(width / 768) * ceil(height / 768)
