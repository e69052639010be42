"""Chat completions as OpenAI defined them and as others imitate them.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from builder.providers.chunks import TextJoiner, load_object
from builder.providers.errors import ErrorCode
from builder.providers.failures import provider_error, read_error_object, status_in_error
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
    Usage,
    UsageReported,
)
from builder.providers.usage import openai_usage

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "safety": FinishReason.CONTENT_FILTER,
    "error": FinishReason.ERROR,
}


@dataclass(frozen=True, slots=True)
class Flavour:
    """Where an imitation differs.

    `body` is merged into every request. `error_codes` overrides the common table of provider
    codes (in lower case). `generation_header` names the header that carries the id by which
    the generation can be looked up later. `hints` are added to what staff read of an error.
    """

    name: str
    body: Mapping[str, Any] = field(default_factory=dict)
    error_codes: Mapping[str, ErrorCode] = field(default_factory=dict)
    generation_header: str | None = None
    hints: Mapping[ErrorCode, str] = field(default_factory=dict)


OPENAI = Flavour("openai_compatible", body={"stream_options": {"include_usage": True}})
#: https://openrouter.ai/docs/api_reference/streaming
OPENROUTER = Flavour(
    "openrouter", body={"usage": {"include": True}}, generation_header="X-Generation-Id"
)
#: Compatible mode reports usage only on request; its `insufficient_quota` is a rate, not a debt.
#: https://help.aliyun.com/en/model-studio/error-code-start
DASHSCOPE = Flavour(
    "dashscope",
    body={"stream_options": {"include_usage": True}},
    error_codes={"insufficient_quota": "rate_limited"},
    # https://help.aliyun.com/en/model-studio/base-url: keys are of one region each.
    hints={
        "unauthorized": (
            "A key works in its own region only: mainland dashscope.aliyuncs.com,"
            " international dashscope-intl.aliyuncs.com (QWEN_BASE_URL)."
        )
    },
)


class OpenAICompatibleAdapter:
    """A ProviderAdapter for one flavour."""

    def __init__(self, flavour: Flavour) -> None:
        self._flavour = flavour

    @property
    def name(self) -> str:
        return self._flavour.name

    def open(self, endpoint: Endpoint, request: ChatRequest) -> ProviderStream:
        flavour = self._flavour
        return HttpStream(
            endpoint,
            lambda: _wire_request(endpoint, request, flavour),
            _ChunkDecoder(endpoint, flavour),
            flavour.error_codes,
            flavour.hints,
        )


def _wire_request(endpoint: Endpoint, request: ChatRequest, flavour: Flavour) -> WireRequest:
    body: dict[str, Any] = {
        # First, so that nothing below can be replaced: the limit, the stream, the usage.
        **options_of(request),
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "max_tokens": request.max_output_tokens,
        "stream": True,
        **flavour.body,
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        # Compression would hold text back until a block is full.
        "Accept-Encoding": "identity",
        "User-Agent": "Sitewright",
    }
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    headers.update(endpoint.headers)
    url = f"{endpoint.base_url.rstrip('/')}/chat/completions"
    return WireRequest(url, headers, orjson.dumps(body))


def _message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [
        {
            "type": "image_url",
            "image_url": {
                "url": f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
            },
        }
        for image in message.images
    ]
    if message.text:
        parts.append({"type": "text", "text": message.text})
    return {"role": message.role, "content": parts}


class _ChunkDecoder:
    """Reads `chat.completion.chunk` objects."""

    def __init__(self, endpoint: Endpoint, flavour: Flavour) -> None:
        self.finish_reason: FinishReason | None = None
        self.ended = False
        self.generation_id: str | None = None
        self._endpoint = endpoint
        self._flavour = flavour
        self._started = False
        self._usage: Usage | None = None
        self._joiner = TextJoiner()

    def headers(self, headers: Mapping[str, str]) -> None:
        if self._flavour.generation_header:
            self.generation_id = headers.get(self._flavour.generation_header)

    def decode(self, event: ServerSentEvent) -> Iterator[StreamEvent]:
        data = event.data
        if data == b"[DONE]":
            self.ended = True
            return
        if not data:
            return
        chunk = load_object(data)
        if not self._started:
            yield from self._start(chunk)
        choices = chunk.get("choices")
        if choices and isinstance(choices, list) and isinstance(choices[0], dict):
            yield from self._choice(choices[0])
        if chunk.get("usage") is not None:
            yield from self._report(chunk["usage"])
        error = chunk.get("error") or (chunk if _is_bare_error(chunk, event.name) else None)
        if error:
            self._fail(error)

    def _start(self, chunk: dict[str, Any]) -> Iterator[StreamEvent]:
        identifier, model = chunk.get("id"), chunk.get("model")
        if self.generation_id is None and isinstance(identifier, str) and identifier:
            self.generation_id = identifier
        if isinstance(chunk.get("choices"), list):
            self._started = True
            yield Started(self.generation_id, model if isinstance(model, str) else None)

    def _choice(self, choice: dict[str, Any]) -> Iterator[StreamEvent]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            text = self._joiner.join(_content(delta.get("content")))
            if text:
                yield TextDelta(text)
            if delta.get("refusal"):
                self.finish_reason = FinishReason.CONTENT_FILTER
        reason = choice.get("finish_reason")
        if reason and self.finish_reason is None:
            known = _FINISH_REASONS.get(str(reason).lower())
            self.finish_reason = known or FinishReason.UNKNOWN

    def _report(self, report: object) -> Iterator[StreamEvent]:
        usage = openai_usage(report)
        if usage is not None and usage != self._usage:
            self._usage = usage
            yield UsageReported(usage)

    def _fail(self, error: object) -> None:
        raise provider_error(
            read_error_object(error),
            self._endpoint,
            status=status_in_error(error),
            overrides=self._flavour.error_codes,
        )


def _is_bare_error(chunk: dict[str, Any], event_name: str) -> bool:
    """DashScope and some self-hosted servers send an error's fields without wrapping."""
    if chunk.get("choices"):
        return False
    kind = chunk.get("object")
    return event_name == "error" or kind == "error" or ("code" in chunk and "message" in chunk)


def _content(content: object) -> str:
    """The text of a delta; some send a list of parts in place of a string."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(text for text in texts if isinstance(text, str))
    return ""
