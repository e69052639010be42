"""Keeps secrets out of logs: known ones by value, unknown ones by the shape they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

REDACTED = "[redacted]"
# Shorter values would blank out ordinary words; nothing that short is a secret worth the name.
MIN_SECRET_CHARACTERS = 8

_NAMES = (
    r"api[_-]?key|x-api-key|password|passwd|secret|client_secret|access_token|refresh_token|"
    r"session_token|x-session-token|token"
)
_VALUE = r"""[^\s"'\\,;&)}\]]+"""
PATTERNS = (
    # Header lines and dumped header dicts, whatever the scheme.
    (
        re.compile(rf"""(?i)((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:\w+\s+)?{_VALUE}"""),
        r"\1",
    ),
    (re.compile(r"""(?i)((?:set-)?cookie["']?\s*[:=]\s*["']?)[^"'\n]+"""), r"\1"),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), r"\1"),
    (re.compile(rf"""(?i)\b((?:{_NAMES})\\?["']?\s*[:=]\s*\\?["']?){_VALUE}"""), r"\1"),
    # user:password@ in any URL: databases, brokers, proxies, mail servers.
    (re.compile(r"""(?i)\b([a-z][a-z0-9+.-]*://)[^\s/"'@]*:[^\s/"'@]*@"""), None),
    # JSON Web Tokens start with the base64 of {" .
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), ""),
    # Keys of OpenAI, OpenRouter, Anthropic, DashScope (sk-…) and of Stripe.
    (re.compile(r"\bsk-[\w-]{12,}"), ""),
    (re.compile(r"\b(?:sk|rk|pk)_(?:test|live)_\w{8,}"), ""),
    (re.compile(r"\bwhsec_[\w+/=-]{8,}"), ""),
)


class Redactor:
    """Call it with a text to have every secret in it replaced."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) >= MIN_SECRET_CHARACTERS:
                forms |= {secret, quote(secret, safe=""), unquote(secret)}
        # As JSON writes them too, since the finished line is what is searched.
        forms |= {json.dumps(form)[1:-1] for form in forms}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for pattern, kept in PATTERNS:
            replacement = rf"\1{REDACTED}@" if kept is None else f"{kept}{REDACTED}"
            text = pattern.sub(replacement, text)
        return text


def url_password(url: str) -> str:
    """The password inside a URL, "" when there is none or the URL is not one."""
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
