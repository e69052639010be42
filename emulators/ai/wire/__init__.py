"""The wire of each provider: its frames, its bodies, its errors."""

from emulators.ai.wire.anthropic import AnthropicWire
from emulators.ai.wire.base import Reply, Usage, Wire
from emulators.ai.wire.errors import error_body
from emulators.ai.wire.listing import model_listing
from emulators.ai.wire.openai import DashScopeWire, OpenAIWire, OpenRouterWire

WIRES: dict[str, type[Wire]] = {
    "openrouter": OpenRouterWire,
    "dashscope": DashScopeWire,
    "openai": OpenAIWire,
    "anthropic": AnthropicWire,
}

__all__ = ["WIRES", "Reply", "Usage", "Wire", "error_body", "model_listing"]
