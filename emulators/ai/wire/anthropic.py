"""Messages as Anthropic streams them."""

from __future__ import annotations

from typing import Any

import orjson

from emulators.ai.wire.base import Headers, Reply, Usage, Wire, token
from emulators.ai.wire.errors import error_body

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
_TEXT_BEFORE = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":'
)
_TEXT_AFTER = b"}}\n\n"


class AnthropicWire(Wire):
    """Named events; the input is counted at the start, the output at the end."""

    provider = "anthropic"
    keep_alive = b'event: ping\ndata: {"type": "ping"}\n\n'

    def new_id(self) -> str:
        return "msg_01" + token(22)

    def headers(self) -> Headers:
        return [
            (b"request-id", b"req_01" + token(22).encode()),
            (b"anthropic-ratelimit-requests-remaining", b"3999"),
        ]

    def opening(self) -> bytes:
        message: dict[str, Any] = {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.asked_model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        if self.usage_shape != "missing":
            message["usage"] = self._usage(self._input_count(), 1)
        block = {"type": "text", "text": ""}
        return (
            _event("message_start", message=message)
            + _event("content_block_start", index=0, content_block=block)
            + self.keep_alive
        )

    def text(self, text: str) -> bytes:
        return _TEXT_BEFORE + orjson.dumps(text) + _TEXT_AFTER

    def ending(self, reply: Reply) -> bytes:
        shape = self.usage_shape
        usage = reply.usage.bent(shape)
        delta = {
            "stop_reason": _STOP_REASONS.get(reply.finish, reply.finish),
            "stop_sequence": None,
        }
        counts: dict[str, Any] | None = {"output_tokens": self._number(usage.output_tokens)}
        real = _event("message_delta", delta=delta, usage=counts)
        bare = _event("message_delta", delta=delta)
        empty = _event("message_delta", delta=delta, usage=None)
        middle = {
            "missing": bare,
            "null": empty,
            "null_then_real": empty + real,
            "repeated": real + real,
            "partial": bare,
            "after_done": bare,
        }.get(shape, real)
        frames = _event("content_block_stop", index=0) + middle + _event("message_stop")
        return frames + real if shape == "after_done" else frames

    def _input_count(self) -> int:
        bent = Usage(self.input_tokens, 0, self.model.cost_usd(0, 0)).bent(self.usage_shape)
        return bent.input_tokens

    def _number(self, value: int) -> int | str:
        return str(value) if self.usage_shape == "strings" else value

    def _usage(self, input_tokens: int, output_tokens: int) -> dict[str, Any]:
        return {
            "input_tokens": self._number(input_tokens),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": self._number(output_tokens),
        }

    def error(self, status: int, message: str | None) -> bytes:
        body = error_body(self.provider, status, message=message)
        return b"event: error\ndata: " + orjson.dumps(body) + b"\n\n"

    def whole(self, reply: Reply) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.asked_model,
            "content": [{"type": "text", "text": reply.text}] if reply.text else [],
            "stop_reason": _STOP_REASONS.get(reply.finish, reply.finish),
            "stop_sequence": None,
        }
        usage = reply.usage.bent(self.usage_shape)
        if self.usage_shape == "null":
            body["usage"] = None
        elif self.usage_shape != "missing":
            body["usage"] = self._usage(usage.input_tokens, usage.output_tokens)
        return body


def _event(name: str, **payload: Any) -> bytes:
    data = orjson.dumps({"type": name} | payload)
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
