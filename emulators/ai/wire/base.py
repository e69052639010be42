"""What every provider's wire can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson

from emulators.ai.behaviour import UsageShape
from emulators.ai.catalog import Model

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer and what the provider bills for them, in dollars."""

    input_tokens: int
    output_tokens: int
    cost_usd: Decimal

    def bent(self, shape: UsageShape) -> Usage:
        """The same usage with the odd numbers that a shape asks for."""
        if shape == "zero":
            return replace(self, input_tokens=0, output_tokens=0, cost_usd=Decimal(0))
        if shape == "negative":
            return replace(self, input_tokens=-1, output_tokens=-1)
        if shape == "huge":
            return replace(self, output_tokens=10**12)
        return self


@dataclass(frozen=True)
class Reply:
    """A finished answer: its text, why it ended, and its usage."""

    text: str
    finish: str
    usage: Usage


class Wire(ABC):
    """One answer on one provider's wire. Frames are bytes, ready to be written."""

    provider: str
    keep_alive: bytes = b": keep-alive\n\n"
    keep_alive_seconds: float = 5.0

    def __init__(
        self,
        *,
        model: Model,
        asked_model: str,
        usage_shape: UsageShape,
        include_usage: bool,
        created: int,
        input_tokens: int,
    ) -> None:
        self.model = model
        self.asked_model = asked_model
        self.usage_shape = usage_shape
        self.include_usage = include_usage
        self.created = created
        self.input_tokens = input_tokens
        self.id = self.new_id()

    @abstractmethod
    def new_id(self) -> str:
        """A fresh id of an answer, in the provider's style."""

    @abstractmethod
    def headers(self) -> Headers:
        """Headers of every answer, streamed or whole, besides its content type."""

    @abstractmethod
    def opening(self) -> bytes:
        """Frames before the first text."""

    @abstractmethod
    def text(self, text: str) -> bytes:
        """One frame of text."""

    @abstractmethod
    def ending(self, reply: Reply) -> bytes:
        """Frames after the last text: why it ended, the usage, the end mark."""

    @abstractmethod
    def error(self, status: int, message: str | None) -> bytes:
        """The frame of an error in mid-stream."""

    @abstractmethod
    def whole(self, reply: Reply) -> dict[str, Any]:
        """The body of an answer that is not streamed."""


def data_frame(payload: object) -> bytes:
    """A JSON payload as one server-sent event."""
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def token(length: int) -> str:
    """Random lower-case letters and digits for an id."""
    return uuid4().hex[:length]
