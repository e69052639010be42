"""The models the emulator offers: what they cost, hold and see, and how they write."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Provider = Literal["openrouter", "dashscope", "openai", "anthropic"]
PROVIDERS: tuple[Provider, ...] = ("openrouter", "dashscope", "openai", "anthropic")

PathStyle = Literal["plain", "bold", "backticks", "heading", "comment", "bold_backticks"]
EditStyle = Literal["bare", "fenced", "whole_files"]
Detail = Literal["compact", "standard", "rich"]


@dataclass(frozen=True)
class Habits:
    """How a model formats its answer: the drift that a tolerant parser has to take."""

    path: PathStyle = "plain"
    fence_language: bool = True
    edits: EditStyle = "bare"
    preamble: bool = False
    closing: bool = False
    thinks_aloud: bool = False
    crlf: bool = False
    detail: Detail = "standard"


@dataclass(frozen=True)
class Model:
    """One model as a provider lists it. Prices are US dollars per million tokens."""

    id: str
    name: str
    maker: str
    context_tokens: int
    max_output_tokens: int
    input_price: Decimal
    output_price: Decimal
    first_token_seconds: float
    tokens_per_second: float
    vision: bool = False
    habits: Habits = field(default_factory=Habits)

    def cost_usd(self, input_tokens: int, output_tokens: int) -> Decimal:
        """What the provider bills for that usage, in dollars."""
        total = self.input_price * input_tokens + self.output_price * output_tokens
        return (total / 1_000_000).quantize(Decimal("0.00000001"))


def _model(
    id: str,
    name: str,
    maker: str,
    limits: tuple[int, int],
    prices: tuple[str, str],
    pace: tuple[float, float],
    habits: Habits,
    *,
    vision: bool = False,
) -> Model:
    return Model(
        id=id,
        name=name,
        maker=maker,
        context_tokens=limits[0],
        max_output_tokens=limits[1],
        input_price=Decimal(prices[0]),
        output_price=Decimal(prices[1]),
        first_token_seconds=pace[0],
        tokens_per_second=pace[1],
        vision=vision,
        habits=habits,
    )


_OPUS = Habits(detail="rich", closing=True)
_SONNET = Habits(detail="rich", path="plain", preamble=True)
_HAIKU = Habits(detail="standard")
_GPT4 = Habits(detail="standard", path="bold", edits="fenced", preamble=True)
_GPT4_TURBO = Habits(detail="rich", path="bold_backticks", edits="fenced", closing=True)
_GPT35 = Habits(detail="compact", path="heading", edits="whole_files", preamble=True)

_OPENROUTER = (
    _model("anthropic/claude-3-opus", "Anthropic: Claude 3 Opus", "Anthropic",
           (200_000, 4_096), ("15", "75"), (1.4, 420), _OPUS, vision=True),
    _model("anthropic/claude-3-sonnet", "Anthropic: Claude 3 Sonnet", "Anthropic",
           (200_000, 4_096), ("3", "15"), (0.9, 560), _SONNET, vision=True),
    _model("anthropic/claude-3-haiku", "Anthropic: Claude 3 Haiku", "Anthropic",
           (200_000, 4_096), ("0.25", "1.25"), (0.5, 800), _HAIKU, vision=True),
    _model("anthropic/claude-3.5-sonnet", "Anthropic: Claude 3.5 Sonnet", "Anthropic",
           (200_000, 8_192), ("3", "15"), (0.8, 620), _SONNET, vision=True),
    _model("openai/gpt-4", "OpenAI: GPT-4", "OpenAI",
           (8_191, 4_096), ("30", "60"), (1.2, 400), _GPT4),
    _model("openai/gpt-4-turbo", "OpenAI: GPT-4 Turbo", "OpenAI",
           (128_000, 4_096), ("10", "30"), (0.9, 540), _GPT4_TURBO, vision=True),
    _model("openai/gpt-4o-mini", "OpenAI: GPT-4o-mini", "OpenAI",
           (128_000, 16_384), ("0.15", "0.6"), (0.4, 800), _GPT35, vision=True),
    _model("openai/gpt-3.5-turbo", "OpenAI: GPT-3.5 Turbo", "OpenAI",
           (16_385, 4_096), ("0.5", "1.5"), (0.4, 760), _GPT35),
    _model("google/gemini-pro", "Google: Gemini Pro 1.0", "Google",
           (32_760, 8_192), ("0.5", "1.5"), (0.7, 620),
           Habits(path="heading", edits="fenced", closing=True)),
    _model("google/gemini-pro-vision", "Google: Gemini Pro Vision 1.0", "Google",
           (16_384, 4_096), ("0.5", "1.5"), (0.8, 580),
           Habits(path="bold", edits="fenced"), vision=True),
    _model("meta-llama/llama-3-70b-instruct", "Meta: Llama 3 70B Instruct", "Meta",
           (8_192, 4_096), ("0.51", "0.74"), (0.6, 600),
           Habits(path="bold", fence_language=False, preamble=True)),
    _model("meta-llama/llama-3-8b-instruct", "Meta: Llama 3 8B Instruct", "Meta",
           (8_192, 4_096), ("0.03", "0.06"), (0.3, 900),
           Habits(detail="compact", path="bold", edits="whole_files", preamble=True,
                  closing=True)),
    _model("mistralai/mixtral-8x7b-instruct", "Mistral: Mixtral 8x7B Instruct", "Mistral",
           (32_768, 4_096), ("0.24", "0.24"), (0.5, 700),
           Habits(path="backticks", edits="fenced", closing=True)),
    _model("mistralai/mistral-7b-instruct", "Mistral: Mistral 7B Instruct", "Mistral",
           (32_768, 4_096), ("0.05", "0.05"), (0.3, 880),
           Habits(detail="compact", path="backticks", crlf=True)),
    _model("deepseek/deepseek-chat", "DeepSeek: DeepSeek Chat", "DeepSeek",
           (64_000, 8_192), ("0.14", "0.28"), (0.6, 640), Habits(path="backticks")),
    _model("deepseek/deepseek-coder", "DeepSeek: DeepSeek Coder", "DeepSeek",
           (128_000, 8_192), ("0.14", "0.28"), (0.6, 680),
           Habits(detail="rich", path="comment", edits="fenced")),
    _model("microsoft/wizardlm-2-8x22b", "Microsoft: WizardLM 2 8x22B", "Microsoft",
           (65_536, 8_192), ("0.5", "0.5"), (0.8, 560),
           Habits(path="heading", thinks_aloud=True)),
    _model("qwen/qwen-2-72b-instruct", "Qwen: Qwen 2 72B Instruct", "Qwen",
           (32_768, 8_192), ("0.34", "0.39"), (0.6, 640), Habits(path="bold_backticks")),
    _model("qwen/qwen-turbo", "Qwen: Qwen Turbo", "Qwen",
           (131_072, 8_192), ("0.05", "0.2"), (0.3, 900), Habits(edits="fenced")),
    _model("qwen/qwen-vl-plus", "Qwen: Qwen VL Plus", "Qwen", (32_768, 8_192), ("0.21", "0.63"),
           (0.5, 700), Habits(path="backticks", preamble=True), vision=True),
    _model("qwen/qwen-vl-max", "Qwen: Qwen VL Max", "Qwen", (32_768, 8_192), ("0.8", "3.2"),
           (0.7, 600), Habits(detail="rich", path="bold", edits="fenced"), vision=True),
)  # fmt: skip

_DASHSCOPE = (
    _model("qwen-turbo", "Qwen Turbo", "Qwen", (131_072, 8_192), ("0.05", "0.2"),
           (0.3, 900), Habits(edits="fenced")),
    _model("qwen-plus", "Qwen Plus", "Qwen", (131_072, 8_192), ("0.4", "1.2"),
           (0.5, 700), Habits(edits="fenced")),
    _model("qwen-vl-plus", "Qwen VL Plus", "Qwen", (32_768, 8_192), ("0.21", "0.63"),
           (0.5, 700), Habits(path="backticks", preamble=True), vision=True),
    _model("qwen-vl-max", "Qwen VL Max", "Qwen", (32_768, 8_192), ("0.8", "3.2"),
           (0.7, 600), Habits(detail="rich", path="bold", edits="fenced"), vision=True),
    _model("qwen1.5-32b-chat", "Qwen1.5 32B Chat", "Qwen", (32_768, 8_192),
           ("0.5", "1"), (0.5, 700), Habits(path="heading", edits="whole_files")),
)  # fmt: skip

_OPENAI = (
    _model("gpt-4", "GPT-4", "OpenAI", (8_192, 8_192), ("30", "60"), (1.2, 400), _GPT4),
    _model("gpt-4-turbo", "GPT-4 Turbo", "OpenAI", (128_000, 4_096), ("10", "30"),
           (0.9, 540), _GPT4_TURBO, vision=True),
    _model("gpt-3.5-turbo", "GPT-3.5 Turbo", "OpenAI", (16_385, 4_096), ("0.5", "1.5"),
           (0.4, 760), _GPT35),
)  # fmt: skip

_ANTHROPIC = (
    _model("claude-3-opus-20240229", "Claude 3 Opus", "Anthropic", (200_000, 4_096),
           ("15", "75"), (1.4, 420), _OPUS, vision=True),
    _model("claude-3-sonnet-20240229", "Claude 3 Sonnet", "Anthropic", (200_000, 4_096),
           ("3", "15"), (0.9, 560), _SONNET, vision=True),
    _model("claude-3-haiku-20240307", "Claude 3 Haiku", "Anthropic", (200_000, 4_096),
           ("0.25", "1.25"), (0.5, 800), _HAIKU, vision=True),
)  # fmt: skip

MODELS: dict[Provider, tuple[Model, ...]] = {
    "openrouter": _OPENROUTER,
    "dashscope": _DASHSCOPE,
    "openai": _OPENAI,
    "anthropic": _ANTHROPIC,
}

_BY_ID: dict[tuple[str, str], Model] = {
    (provider, model.id): model for provider, models in MODELS.items() for model in models
}
for _alias, _target in (
    ("claude-3-opus-latest", "claude-3-opus-20240229"),
    ("claude-3-opus", "claude-3-opus-20240229"),
    ("claude-3-sonnet", "claude-3-sonnet-20240229"),
    ("claude-3-haiku", "claude-3-haiku-20240307"),
):
    _BY_ID["anthropic", _alias] = _BY_ID["anthropic", _target]


def find_model(provider: Provider, model_id: str) -> Model | None:
    """The model under that id at that provider, or None where the provider has no such."""
    return _BY_ID.get((provider, model_id.removesuffix(":free").removesuffix(":nitro")))
