"""The catalogue as shipped: what `catalogue_seed` creates where it is missing.

Names, makers, taglines and token costs are the owner's price list. Context windows and longest
answers are those the providers publish for these ids (openrouter.ai/models, DashScope's model
list); staff correct rows in the admin when a provider changes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

USE_OPENROUTER: Final = "temporarily disabled: use via OpenRouter"


@dataclass(frozen=True, slots=True)
class SeedProvider:
    slug: str
    name: str
    adapter: str
    base_url: str
    key_variable: str
    use_proxy: bool
    disabled_reason: str = ""


@dataclass(frozen=True, slots=True)
class SeedModel:
    """`routes`: (provider slug, provider's id), first tried first. `fallbacks`: slugs, in order;
    `last_resort` comes after them."""

    slug: str
    name: str
    maker: str
    tagline: str
    token_cost: int
    context_window: int
    max_output_tokens: int
    routes: tuple[tuple[str, str], ...]
    fallbacks: tuple[str, ...]
    vision: bool = False
    input_weight: Decimal = Decimal("0.2")
    last_resort: str = ""


PROVIDERS: Final = (
    SeedProvider(
        "openrouter",
        "OpenRouter",
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        use_proxy=True,
    ),
    SeedProvider(
        "qwen",
        "Qwen",
        "dashscope",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "QWEN_API_KEY",
        use_proxy=False,  # reachable from China, where the proxy leads out
    ),
    SeedProvider(
        "openai",
        "OpenAI",
        "openai_compatible",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        use_proxy=True,
        disabled_reason=USE_OPENROUTER,
    ),
    SeedProvider(
        "anthropic",
        "Anthropic",
        "anthropic",
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
        use_proxy=True,
        disabled_reason=USE_OPENROUTER,
    ),
)

# Fallbacks only ever lead down this list of capability, so they can not loop. Whoever comes last
# has nobody below: Qwen VL Plus, whose last resort is the next cheapest that understands
# pictures. A list ends at a Qwen model wherever it starts at OpenRouter, so that it outlives
# either provider. Qwen 32B Chat has no second route: none that OpenRouter is sure to list.
MODELS: Final = (
    SeedModel(
        "claude-3-opus",
        "Claude 3 Opus",
        "Anthropic",
        "Most capable",
        10,
        200_000,
        4_096,
        (("openrouter", "anthropic/claude-3-opus"), ("anthropic", "claude-3-opus-20240229")),
        ("gpt-4-turbo", "claude-3-sonnet", "qwen-vl-max"),
        vision=True,
    ),
    SeedModel(
        "claude-3-sonnet",
        "Claude 3 Sonnet",
        "Anthropic",
        "Balanced",
        6,
        200_000,
        4_096,
        (("openrouter", "anthropic/claude-3-sonnet"), ("anthropic", "claude-3-sonnet-20240229")),
        ("gemini-pro-vision", "claude-3-haiku", "qwen-vl-max"),
        vision=True,
    ),
    SeedModel(
        "claude-3-haiku",
        "Claude 3 Haiku",
        "Anthropic",
        "Fast & efficient",
        3,
        200_000,
        4_096,
        (("openrouter", "anthropic/claude-3-haiku"), ("anthropic", "claude-3-haiku-20240307")),
        ("qwen-vl-max", "qwen-vl-plus"),
        vision=True,
    ),
    SeedModel(
        "gpt-4",
        "GPT-4",
        "OpenAI",
        "Most capable",
        8,
        8_191,
        4_096,
        (("openrouter", "openai/gpt-4"), ("openai", "gpt-4")),
        ("gpt-4-turbo", "claude-3-sonnet", "qwen-vl-max"),
        input_weight=Decimal("0.5"),  # its input is dear: $30 a million against $60
    ),
    SeedModel(
        "gpt-4-turbo",
        "GPT-4 Turbo",
        "OpenAI",
        "Faster GPT-4",
        6,
        128_000,
        4_096,
        (("openrouter", "openai/gpt-4-turbo"), ("openai", "gpt-4-turbo")),
        ("claude-3-sonnet", "qwen-vl-max"),
        vision=True,
    ),
    SeedModel(
        "gpt-3-5-turbo",
        "GPT-3.5 Turbo",
        "OpenAI",
        "Cost-effective",
        2,
        16_385,
        4_096,
        (("openrouter", "openai/gpt-3.5-turbo"), ("openai", "gpt-3.5-turbo")),
        ("llama-3-8b", "mistral-7b", "qwen-turbo"),
    ),
    SeedModel(
        "gemini-pro",
        "Gemini Pro",
        "Google",
        "Advanced reasoning",
        4,
        32_760,
        8_192,
        (("openrouter", "google/gemini-pro"),),
        ("claude-3-haiku", "deepseek-chat", "qwen-turbo"),
    ),
    SeedModel(
        "gemini-pro-vision",
        "Gemini Pro Vision",
        "Google",
        "With vision capabilities",
        5,
        16_384,
        4_096,
        (("openrouter", "google/gemini-pro-vision"),),
        ("claude-3-haiku", "qwen-vl-max"),
        vision=True,
    ),
    SeedModel(
        "llama-3-70b",
        "Llama 3 70B",
        "Meta",
        "Open-source powerhouse",
        4,
        8_192,
        4_096,
        (("openrouter", "meta-llama/llama-3-70b-instruct"),),
        ("mixtral-8x7b", "deepseek-chat", "qwen-turbo"),
    ),
    SeedModel(
        "llama-3-8b",
        "Llama 3 8B",
        "Meta",
        "Efficient open-source",
        2,
        8_192,
        4_096,
        (("openrouter", "meta-llama/llama-3-8b-instruct"),),
        ("mistral-7b", "qwen-turbo"),
    ),
    SeedModel(
        "mixtral-8x7b",
        "Mixtral 8x7B",
        "Mistral",
        "Mixture of experts",
        3,
        32_768,
        4_096,
        (("openrouter", "mistralai/mixtral-8x7b-instruct"),),
        ("deepseek-chat", "mistral-7b", "qwen-turbo"),
    ),
    SeedModel(
        "mistral-7b",
        "Mistral 7B",
        "Mistral",
        "Efficient European AI",
        2,
        32_768,
        4_096,
        (("openrouter", "mistralai/mistral-7b-instruct"),),
        ("qwen-turbo",),
    ),
    SeedModel(
        "deepseek-chat",
        "DeepSeek Chat",
        "DeepSeek",
        "General conversation",
        2,
        64_000,
        8_192,
        (("openrouter", "deepseek/deepseek-chat"),),
        ("gpt-3-5-turbo", "qwen-turbo"),
    ),
    SeedModel(
        "deepseek-coder",
        "DeepSeek Coder",
        "DeepSeek",
        "Code-specialized",
        3,
        128_000,
        8_192,
        (("openrouter", "deepseek/deepseek-coder"),),
        ("deepseek-chat", "claude-3-haiku", "qwen-turbo"),
    ),
    SeedModel(
        "wizardlm-2-8x22b",
        "WizardLM 2 8x22B",
        "Microsoft",
        "Advanced reasoning",
        5,
        65_535,
        8_192,
        (("openrouter", "microsoft/wizardlm-2-8x22b"),),
        ("llama-3-70b", "mixtral-8x7b", "qwen-turbo"),
    ),
    SeedModel(
        "qwen-turbo",
        "Qwen Turbo",
        "Qwen",
        "Ultra-efficient",
        1,
        131_072,
        8_192,
        (("qwen", "qwen-turbo"), ("openrouter", "qwen/qwen-turbo")),
        ("qwen-vl-plus",),
    ),
    SeedModel(
        "qwen-vl-plus",
        "Qwen VL Plus",
        "Qwen",
        "Vision capabilities",
        2,
        131_072,
        8_192,
        (("qwen", "qwen-vl-plus"), ("openrouter", "qwen/qwen-vl-plus")),
        (),
        vision=True,
        last_resort="claude-3-haiku",
    ),
    SeedModel(
        "qwen-vl-max",
        "Qwen VL Max",
        "Qwen",
        "Advanced vision",
        3,
        131_072,
        8_192,
        (("qwen", "qwen-vl-max"), ("openrouter", "qwen/qwen-vl-max")),
        ("qwen-vl-plus",),
        vision=True,
    ),
    SeedModel(
        "qwen-32b-chat",
        "Qwen 32B Chat",
        "Qwen",
        "Large context",
        2,
        32_768,
        8_192,
        (("qwen", "qwen1.5-32b-chat"),),
        ("qwen-turbo",),
    ),
)
