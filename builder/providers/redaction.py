"""Keeps secrets and bulk out of what is said about a failure."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote, urlsplit

from builder.providers.errors import MAX_MESSAGE_CHARACTERS
from builder.providers.types import Endpoint

_HIDDEN = "[hidden]"
_KEY_LIKE = re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/=*-]{4,}|\b(?:sk|pk|rk|key)-[\w*.-]{4,}")
_CREDENTIALS_IN_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@]+@")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]+|\s+")


def clean_message(text: str, endpoint: Endpoint) -> str:
    """`text` on one line, without the endpoint's secrets or anything like a key, capped."""
    for secret in _secrets(endpoint):
        text = text.replace(secret, _HIDDEN)
    text = _CREDENTIALS_IN_URL.sub(rf"\1{_HIDDEN}@", text)
    text = _KEY_LIKE.sub(_HIDDEN, text)
    text = _UNPRINTABLE.sub(" ", text).strip()
    if len(text) > MAX_MESSAGE_CHARACTERS:
        text = text[: MAX_MESSAGE_CHARACTERS - 1] + "…"
    return text


def _secrets(endpoint: Endpoint) -> list[str]:
    found = [endpoint.api_key]
    if endpoint.proxy_url and "@" in endpoint.proxy_url:
        userinfo = urlsplit(endpoint.proxy_url).netloc.rpartition("@")[0]
        user, _, password = userinfo.partition(":")
        pair = f"{unquote(user)}:{unquote(password)}"
        encoded = base64.b64encode(pair.encode()).decode()
        found += [userinfo, pair, encoded, password, unquote(password)]
    # Longest first, so that a secret inside another does not leave the rest of it standing.
    # Very short ones would only riddle the text with holes.
    return sorted((s for s in found if len(s) >= 4), key=len, reverse=True)
