"""What providers say, in bytes; nothing here comes from the code under test."""

from __future__ import annotations

import json
from typing import Any

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def response(
    status: int,
    body: bytes,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def sse(data: object, event: str | None = None) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {text}\n\n".encode()


class OpenAIDialect:
    """Chat completion chunks; also for OpenRouter and DashScope."""

    path = "/chat/completions"

    def __init__(self, name: str) -> None:
        self.name = name

    def base_url(self, url: str) -> str:
        return f"{url}/api/v1"

    def _chunk(self, choices: list[Any], **more: Any) -> bytes:
        return sse({"id": "gen-1", "model": "answering-model", "choices": choices, **more})

    def start(self) -> bytes:
        delta = {"role": "assistant", "content": ""}
        return self._chunk([{"index": 0, "delta": delta, "finish_reason": None}])

    def delta(self, text: str) -> bytes:
        return self._chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}])

    def finish(self, reason: str, usage: tuple[int, int] | None = (11, 7)) -> bytes:
        out = self._chunk([{"index": 0, "delta": {}, "finish_reason": reason}], usage=None)
        return out + (self.usage(*usage) if usage else b"")

    def usage(self, given: int, made: int) -> bytes:
        usage = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
        return self._chunk([], usage=usage)

    def end(self) -> bytes:
        return b"data: [DONE]\n\n"

    def keep_alive(self) -> bytes:
        return b": OPENROUTER PROCESSING\n\n"

    def error_event(self, code: Any, message: str) -> bytes:
        choices = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        return self._chunk(choices, error={"code": code, "message": message})

    def error_body(self, code: Any, message: str) -> bytes:
        return json.dumps({"error": {"code": code, "message": message}}).encode()

    stop, length, refusal = "stop", "length", "content_filter"
    overloaded: Any = 503


class AnthropicDialect:
    """Messages events."""

    name = "anthropic"
    path = "/v1/messages"

    def base_url(self, url: str) -> str:
        return url

    def start(self) -> bytes:
        usage = {"input_tokens": 11, "output_tokens": 1}
        message = {"id": "gen-1", "model": "answering-model", "content": [], "usage": usage}
        block = {"type": "text", "text": ""}
        return sse({"type": "message_start", "message": message}, "message_start") + sse(
            {"type": "content_block_start", "index": 0, "content_block": block},
            "content_block_start",
        )

    def delta(self, text: str) -> bytes:
        delta = {"type": "text_delta", "text": text}
        return sse(
            {"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta"
        )

    def finish(self, reason: str, usage: tuple[int, int] | None = (11, 7)) -> bytes:
        data: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": reason}}
        if usage:
            data["usage"] = {"output_tokens": usage[1]}
        return sse({"type": "content_block_stop", "index": 0}) + sse(data, "message_delta")

    def usage(self, given: int, made: int) -> bytes:
        usage = {"input_tokens": given, "output_tokens": made}
        return sse({"type": "message_delta", "delta": {}, "usage": usage}, "message_delta")

    def end(self) -> bytes:
        return sse({"type": "message_stop"}, "message_stop")

    def keep_alive(self) -> bytes:
        return sse({"type": "ping"}, "ping")

    def error_event(self, code: Any, message: str) -> bytes:
        return sse({"type": "error", "error": {"type": code, "message": message}}, "error")

    def error_body(self, code: Any, message: str) -> bytes:
        return json.dumps({"type": "error", "error": {"type": code, "message": message}}).encode()

    stop, length, refusal = "end_turn", "max_tokens", "refusal"
    overloaded: Any = "overloaded_error"


Dialect = OpenAIDialect | AnthropicDialect
DIALECTS: list[Dialect] = [
    OpenAIDialect("openai_compatible"),
    OpenAIDialect("openrouter"),
    OpenAIDialect("dashscope"),
    AnthropicDialect(),
]
