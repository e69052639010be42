"""What providers charge us for the shipped routes, as they are seeded.

US dollars per million tokens, input and output. They were entered as approximate list prices and
not read off the providers' lists, which are the source to check them against:

- OpenRouter: https://openrouter.ai/api/v1/models (`pricing`, there in dollars per token)
- Qwen: https://www.alibabacloud.com/help/en/model-studio/models (international list prices; an
  account on the mainland is billed in yuan, at less)
- OpenAI: https://platform.openai.com/docs/pricing
- Anthropic: https://docs.anthropic.com/en/docs/about-claude/pricing

They are where we start from, not the truth: the daily comparison tells staff where a provider's
own list has moved on, and what a provider reports as a run's cost goes before any of this.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_PRICES: Final = {
    "openrouter": {
        "anthropic/claude-3-opus": ("15", "75"),
        "anthropic/claude-3-sonnet": ("3", "15"),
        "anthropic/claude-3-haiku": ("0.25", "1.25"),
        "openai/gpt-4": ("30", "60"),
        "openai/gpt-4-turbo": ("10", "30"),
        "openai/gpt-3.5-turbo": ("0.5", "1.5"),
        "google/gemini-pro": ("0.5", "1.5"),
        "google/gemini-pro-vision": ("0.5", "1.5"),
        "meta-llama/llama-3-70b-instruct": ("0.51", "0.74"),
        "meta-llama/llama-3-8b-instruct": ("0.03", "0.06"),
        "mistralai/mixtral-8x7b-instruct": ("0.24", "0.24"),
        "mistralai/mistral-7b-instruct": ("0.05", "0.05"),
        "deepseek/deepseek-chat": ("0.14", "0.28"),
        "deepseek/deepseek-coder": ("0.14", "0.28"),
        "microsoft/wizardlm-2-8x22b": ("0.5", "0.5"),
        "qwen/qwen-turbo": ("0.05", "0.2"),
        "qwen/qwen-vl-plus": ("0.21", "0.63"),
        "qwen/qwen-vl-max": ("0.8", "3.2"),
    },
    "qwen": {
        "qwen-turbo": ("0.05", "0.2"),
        "qwen-vl-plus": ("0.21", "0.63"),
        "qwen-vl-max": ("0.8", "3.2"),
        "qwen1.5-32b-chat": ("0.5", "1"),
    },
    "openai": {
        "gpt-4": ("30", "60"),
        "gpt-4-turbo": ("10", "30"),
        "gpt-3.5-turbo": ("0.5", "1.5"),
    },
    "anthropic": {
        "claude-3-opus-20240229": ("15", "75"),
        "claude-3-sonnet-20240229": ("3", "15"),
        "claude-3-haiku-20240307": ("0.25", "1.25"),
    },
}


def seed_prices(provider_slug: str, provider_model_id: str) -> tuple[Decimal, Decimal] | None:
    """Dollars per million (input, output) tokens of a shipped route; None of any other."""
    found = _PRICES.get(provider_slug, {}).get(provider_model_id)
    return (Decimal(found[0]), Decimal(found[1])) if found else None
