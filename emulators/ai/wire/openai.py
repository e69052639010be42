"""Chat completions as OpenAI, OpenRouter and DashScope (compatible mode) stream them."""

from __future__ import annotations

from typing import Any

import orjson

from emulators.ai.wire.base import Headers, Reply, Usage, Wire, data_frame, token
from emulators.ai.wire.errors import error_body

_DONE = b"data: [DONE]\n\n"
_MARK = "@@text@@"


class OpenAIWire(Wire):
    """OpenAI: role first, usage in a last chunk without choices, and only when asked for."""

    provider = "openai"

    def new_id(self) -> str:
        return "chatcmpl-" + token(29)

    def headers(self) -> Headers:
        request = b"req_" + token(32).encode()
        return [(b"x-request-id", request), (b"openai-version", b"2020-10-01")]

    def _base(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.asked_model,
            "system_fingerprint": "fp_emulated",
        }

    def _delta(self, text: str) -> dict[str, Any]:
        return {"content": text}

    def _choice(self, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}

    def _chunk(self, choice: dict[str, Any], **extra: Any) -> dict[str, Any]:
        chunk = self._base() | {"choices": [choice]}
        if self.include_usage:
            chunk["usage"] = None
        return chunk | extra

    def opening(self) -> bytes:
        # The text frames differ in one string only, so the rest is dumped once.
        sample = orjson.dumps(self._chunk(self._choice(self._delta(_MARK), None)))
        self._before, self._after = sample.split(orjson.dumps(_MARK))
        self._before = b"data: " + self._before
        self._after += b"\n\n"
        return data_frame(self._chunk(self._choice({"role": "assistant", "content": ""}, None)))

    def text(self, text: str) -> bytes:
        return self._before + orjson.dumps(text) + self._after

    def ending(self, reply: Reply) -> bytes:
        shape = self.usage_shape
        usage = self.usage(reply.usage.bent(shape))
        told = self.include_usage and shape != "missing"
        finish = self._chunk(self._choice(self._last_delta(), reply.finish))
        if told and shape in ("on_finish", "repeated"):
            finish["usage"] = usage
        frames = data_frame(finish)
        if not told or shape == "on_finish":
            return frames + _DONE
        choices: list[Any] | None = None if shape == "null_choices" else []
        last = self._base() | {"choices": choices, "usage": usage}
        if shape == "null":
            return frames + data_frame(last | {"usage": None}) + _DONE
        if shape == "null_then_real":
            frames += data_frame(last | {"usage": None})
        if shape == "after_done":
            return frames + _DONE + data_frame(last)
        return frames + data_frame(last) + _DONE

    def _last_delta(self) -> dict[str, Any]:
        return {}

    def usage(self, usage: Usage) -> dict[str, Any]:
        """The usage object, with the oddness of the shape that was asked for."""
        counts: dict[str, Any] = {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
        }
        if self.usage_shape == "strings":
            counts = {name: str(value) for name, value in counts.items()}
        if self.usage_shape == "partial":
            return {"total_tokens": counts["total_tokens"]}
        return counts | self._details(usage)

    def _details(self, usage: Usage) -> dict[str, Any]:
        return {
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }

    def error(self, status: int, message: str | None) -> bytes:
        return data_frame(error_body(self.provider, status, message=message))

    def whole(self, reply: Reply) -> dict[str, Any]:
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        body = self._base() | {
            "object": "chat.completion",
            "choices": [self._whole_choice(message, reply.finish)],
        }
        if self.usage_shape not in ("missing", "null"):
            body["usage"] = self.usage(reply.usage.bent(self.usage_shape))
        elif self.usage_shape == "null":
            body["usage"] = None
        return body

    def _whole_choice(self, message: dict[str, Any], finish: str) -> dict[str, Any]:
        return {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}


class OpenRouterWire(OpenAIWire):
    """OpenRouter: comments while it waits, the maker's name, cost in an unasked usage chunk."""

    provider = "openrouter"
    keep_alive = b": OPENROUTER PROCESSING\n\n"
    keep_alive_seconds = 1.0

    def __init__(self, **settings: Any) -> None:
        super().__init__(**(settings | {"include_usage": True}))

    def new_id(self) -> str:
        return f"gen-{self.created}-{token(20)}"

    def headers(self) -> Headers:
        return [
            (b"x-generation-id", self.id.encode()),
            (b"cf-ray", token(16).encode() + b"-EMU"),
        ]

    def _base(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "provider": self.model.maker,
            "model": self.asked_model,
            "object": "chat.completion.chunk",
            "created": self.created,
        }

    def _delta(self, text: str) -> dict[str, Any]:
        return {"role": "assistant", "content": text}

    def _last_delta(self) -> dict[str, Any]:
        return {"role": "assistant", "content": ""}

    def _choice(self, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
        return {
            "index": 0,
            "delta": delta,
            "finish_reason": finish,
            "native_finish_reason": self._native(finish),
            "logprobs": None,
        }

    def _chunk(self, choice: dict[str, Any], **extra: Any) -> dict[str, Any]:
        return self._base() | {"choices": [choice]} | extra

    def _native(self, finish: str | None) -> str | None:
        if finish is None or self.model.maker != "Anthropic":
            return finish
        return {"stop": "end_turn", "length": "max_tokens"}.get(finish, finish)

    def _details(self, usage: Usage) -> dict[str, Any]:
        cost = float(usage.cost_usd)
        return {
            "cost": cost,
            "is_byok": False,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "cost_details": {"upstream_inference_cost": cost},
            "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 0},
        }

    def error(self, status: int, message: str | None) -> bytes:
        # https://openrouter.ai/docs/api_reference/streaming: the error stands at the top
        # level, beside a choice that ends with "error".
        error = error_body(self.provider, status, message=message)["error"]
        choice = self._choice({"content": ""}, "error")
        return data_frame(self._chunk(choice, error=error)) + _DONE

    def _whole_choice(self, message: dict[str, Any], finish: str) -> dict[str, Any]:
        return super()._whole_choice(message, finish) | {
            "native_finish_reason": self._native(finish)
        }


class DashScopeWire(OpenAIWire):
    """DashScope in compatible mode: usage only when asked, in a chunk with `choices: []`."""

    provider = "dashscope"
    keep_alive = b":HTTP_STATUS/200\n\n"

    def new_id(self) -> str:
        value = token(32)
        groups = (value[:8], value[8:12], value[12:16], value[16:20], value[20:])
        return "chatcmpl-" + "-".join(groups)

    def headers(self) -> Headers:
        return [(b"x-request-id", self.id.removeprefix("chatcmpl-").encode())]

    def _base(self) -> dict[str, Any]:
        return super()._base() | {"system_fingerprint": None}

    def _last_delta(self) -> dict[str, Any]:
        return {"content": ""}

    def _chunk(self, choice: dict[str, Any], **extra: Any) -> dict[str, Any]:
        # Every chunk carries a null usage here, asked for or not.
        return self._base() | {"choices": [choice], "usage": None} | extra

    def _details(self, usage: Usage) -> dict[str, Any]:
        return {"prompt_tokens_details": {"cached_tokens": 0}}
