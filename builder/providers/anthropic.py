"""Anthropic's Messages API.

https://docs.anthropic.com/en/api/messages and …/docs/build-with-claude/streaming
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from builder.providers.chunks import TextJoiner, load_object
from builder.providers.failures import provider_error, read_error_object
from builder.providers.options import options_of
from builder.providers.sse import ServerSentEvent
from builder.providers.streaming import HttpStream, WireRequest
from builder.providers.types import (
    ChatRequest,
    Endpoint,
    FinishReason,
    Message,
    ProviderStream,
    Started,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from builder.providers.usage import AnthropicUsage

API_VERSION = "2023-06-01"
_FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.CONTENT_FILTER,
}


class AnthropicAdapter:
    """A ProviderAdapter for the Messages API."""

    @property
    def name(self) -> str:
        return "anthropic"

    def open(self, endpoint: Endpoint, request: ChatRequest) -> ProviderStream:
        return HttpStream(
            endpoint, lambda: _wire_request(endpoint, request), _EventDecoder(endpoint), {}
        )


def _wire_request(endpoint: Endpoint, request: ChatRequest) -> WireRequest:
    body: dict[str, Any] = {
        **options_of(request),
        "model": request.model,
        "max_tokens": request.max_output_tokens,
        "stream": True,
        "messages": [_message(m) for m in request.messages if m.role != "system"],
    }
    system = "\n\n".join(m.text for m in request.messages if m.role == "system" and m.text)
    if system:
        body["system"] = system
    if request.temperature is not None:
        # Anthropic's range ends at 1, where OpenAI's ends at 2.
        body["temperature"] = min(request.temperature, 1.0)
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Accept-Encoding": "identity",
        "User-Agent": "Sitewright",
        "anthropic-version": API_VERSION,
        "x-api-key": endpoint.api_key,
    }
    headers.update(endpoint.headers)
    base = endpoint.base_url.rstrip("/").removesuffix("/v1")
    return WireRequest(f"{base}/v1/messages", headers, orjson.dumps(body))


def _message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    blocks: list[dict[str, Any]] = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": base64.b64encode(image.data).decode(),
            },
        }
        for image in message.images
    ]
    if message.text:  # an empty text block is refused
        blocks.append({"type": "text", "text": message.text})
    return {"role": message.role, "content": blocks}


class _EventDecoder:
    """Reads message_start … message_stop; the type is in the data, the event's name is not used."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.finish_reason: FinishReason | None = None
        self.ended = False
        self.generation_id: str | None = None
        self._endpoint = endpoint
        self._usage = AnthropicUsage()
        self._joiner = TextJoiner()

    def headers(self, headers: Mapping[str, str]) -> None:
        """The headers carry a request id only; the message's own id comes in the stream."""

    def decode(self, event: ServerSentEvent) -> Iterator[StreamEvent]:
        if not event.data:
            return
        data = load_object(event.data)
        kind = data.get("type")
        if kind == "content_block_delta":
            yield from self._text(data.get("delta"))
        elif kind == "content_block_start":
            yield from self._text(data.get("content_block"))
        elif kind == "message_start":
            yield from self._message_start(data.get("message"))
        elif kind == "message_delta":
            yield from self._message_delta(data)
        elif kind == "message_stop":
            self.ended = True
        elif kind == "error" or data.get("error"):
            raise provider_error(
                read_error_object(data.get("error")), self._endpoint, status=None, overrides={}
            )
        # ping, content_block_stop and whatever is added later carry nothing for us

    def _text(self, part: object) -> Iterator[StreamEvent]:
        if isinstance(part, dict) and part.get("type") in ("text_delta", "text"):
            text = part.get("text")
            joined = self._joiner.join(text) if isinstance(text, str) else ""
            if joined:
                yield TextDelta(joined)

    def _message_start(self, message: object) -> Iterator[StreamEvent]:
        message = message if isinstance(message, dict) else {}
        identifier, model = message.get("id"), message.get("model")
        self.generation_id = identifier if isinstance(identifier, str) else None
        self._usage.started(message.get("usage"))
        yield Started(self.generation_id, model if isinstance(model, str) else None)

    def _message_delta(self, data: dict[str, Any]) -> Iterator[StreamEvent]:
        delta = data.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if reason:
            self.finish_reason = _FINISH_REASONS.get(str(reason), FinishReason.UNKNOWN)
        usage = self._usage.progressed(data.get("usage"))
        if usage is not None:
            yield UsageReported(usage)
