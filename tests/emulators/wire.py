"""Plain HTTP calls to the emulator: what a client sees on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import requests

from emulators.ai.testing import EmulatorClient

MODELS = {
    "openrouter": "anthropic/claude-3-haiku",
    "dashscope": "qwen-turbo",
    "openai": "gpt-3.5-turbo",
    "anthropic": "claude-3-haiku-20240307",
}
OPENAI_LIKE = ("openrouter", "dashscope", "openai")
FLAVOURS = tuple(MODELS)


@dataclass
class Heard:
    """A stream as it was heard."""

    response: requests.Response
    raw: bytes = b""
    events: list[tuple[str, Any]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    broken: bool = False

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [data for _, data in self.events if isinstance(data, dict)]

    @property
    def text(self) -> str:
        out = ""
        for data in self.payloads:
            if data.get("type") == "content_block_delta":
                out += data["delta"]["text"]
            for choice in data.get("choices") or []:
                out += choice["delta"].get("content") or ""
        return out

    @property
    def finishes(self) -> list[str]:
        found = [c["finish_reason"] for d in self.payloads for c in d.get("choices") or []]
        found += [
            d["delta"]["stop_reason"] for d in self.payloads if d.get("type") == "message_delta"
        ]
        return [reason for reason in found if reason]

    @property
    def usages(self) -> list[Any]:
        return [data["usage"] for data in self.payloads if "usage" in data]


def ask(
    ai: EmulatorClient,
    flavour: str,
    text: str,
    *,
    stream: bool = True,
    key: str = "k",
    **extra: Any,
) -> requests.Response:
    """One chat request; `extra` goes into its body."""
    body: dict[str, Any] = {
        "model": MODELS[flavour],
        "stream": stream,
        "messages": [{"role": "user", "content": text}],
    }
    if flavour == "anthropic":
        url, headers = "/v1/messages", {"x-api-key": key, "anthropic-version": "2023-06-01"}
        body["max_tokens"] = 4096
    else:
        url, headers = "/chat/completions", {"Authorization": f"Bearer {key}"}
        if stream:
            body["stream_options"] = {"include_usage": True}
    return requests.post(
        ai.base_url(flavour) + url, json=body | extra, headers=headers, stream=True, timeout=30
    )


def hear(response: requests.Response) -> Heard:
    """Read a stream to its end, or to where it breaks."""
    heard = Heard(response)
    try:
        for piece in response.iter_content(None):
            heard.raw += piece
    except requests.exceptions.RequestException:
        heard.broken = True
    for block in heard.raw.decode(errors="replace").split("\n\n"):
        name, data = "", None
        for line in block.splitlines():
            if line.startswith(":"):
                heard.comments.append(line)
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
        if data is not None:
            try:
                heard.events.append((name, json.loads(data)))
            except ValueError:
                heard.events.append((name, data))
    return heard


def listen(ai: EmulatorClient, flavour: str, text: str, **extra: Any) -> Heard:
    """Ask and hear."""
    return hear(ask(ai, flavour, text, **extra))
