"""Reading one event's JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from builder.providers.errors import ProviderError

_HIGH = re.compile("[\ud800-\udbff]\\Z")
_LONE = re.compile("[\ud800-\udfff]")


def load_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`. Raises ProviderError "bad_response"."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _load_with_lone_surrogates(data)
    if not isinstance(value, dict):
        raise ProviderError("bad_response", "The provider sent something that is no event.")
    return value


def _load_with_lone_surrogates(data: bytes) -> object:
    """orjson refuses half a surrogate pair, which servers that cut UTF-16 text do send."""
    if b"\\ud" in data.lower():
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            pass
    raise ProviderError("bad_response", "The provider sent broken JSON.")


class TextJoiner:
    """Makes deltas whole: a surrogate pair cut in two becomes one character again."""

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str) -> str:
        """`text` as valid Unicode, with the half held back from the delta before it."""
        if not self._half and (text.isascii() or not _LONE.search(text)):
            return text
        text, self._half = self._half + text, ""
        if _HIGH.search(text):
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
