"""A provider's own list of models, read over HTTP: `GET …/models`.

OpenRouter: https://openrouter.ai/docs/api-reference/list-available-models (with prices, dollars
per token as strings). DashScope, OpenAI: the same address, `{"data": [{"id": …}]}` without
prices. Anthropic: https://docs.anthropic.com/en/api/models-list.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests

from models_catalog.endpoints import ProviderEndpoint
from models_catalog.models import Provider

CONNECT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 15.0
TOTAL_SECONDS: Final = 45.0
# OpenRouter's list is under 1 MB.
BYTES_MAX: Final = 8 * 1024 * 1024
PAGES_MAX: Final = 10
PRICE_STEP: Final = Decimal("0.0001")
PRICE_MAX: Final = Decimal("999999")
COUNT_MAX: Final = 100_000_000


class ListUnreadable(Exception):
    """The list could not be read. `message` is for staff: plain, without keys or addresses."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One row of a list. Prices: dollars per million tokens; None where the list says nothing.

    created: seconds since the epoch, 0 where untold.
    """

    id: str
    name: str
    canonical_slug: str = ""
    input_usd: Decimal | None = None
    output_usd: Decimal | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    vision: bool = False
    writes_text: bool = True
    created: int = 0


def read_list(endpoint: ProviderEndpoint, adapter: str) -> dict[str, ListedModel]:
    """Every model by its id. Raises ListUnreadable, also for a list that is empty."""
    anthropic = adapter == Provider.Adapter.ANTHROPIC
    base = endpoint.base_url.removesuffix("/v1") + "/v1" if anthropic else endpoint.base_url
    url: str | None = f"{base}/models" + ("?limit=1000" if anthropic else "")
    deadline = time.monotonic() + TOTAL_SECONDS
    found: dict[str, ListedModel] = {}
    with _session(endpoint, anthropic) as session:
        for _page in range(PAGES_MAX):
            if url is None:
                break
            body = _get(session, url, deadline)
            found |= {row.id: row for row in _rows(body)}
            url = _next_url(url, body)
        else:
            if url is not None:
                raise ListUnreadable(f"It has more than {PAGES_MAX} pages.")
    if not found:
        raise ListUnreadable("It is empty.")
    return found


def _session(endpoint: ProviderEndpoint, anthropic: bool) -> requests.Session:
    session = requests.Session()
    # Proxies, netrc and certificate variables of the host must not leak in.
    session.trust_env = False
    if endpoint.proxy_url:
        session.proxies = {"http": endpoint.proxy_url, "https": endpoint.proxy_url}
    session.headers.update({"User-Agent": "Sitewright", "Accept": "application/json"})
    session.headers.update(dict(endpoint.headers))
    if anthropic:
        session.headers.update({"x-api-key": endpoint.api_key, "anthropic-version": "2023-06-01"})
    elif endpoint.api_key:
        session.headers["Authorization"] = f"Bearer {endpoint.api_key}"
    return session


def _get(session: requests.Session, url: str, deadline: float) -> dict[str, Any]:
    try:
        with session.get(
            url,
            stream=True,
            # Redirects would carry the key elsewhere.
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
        ) as response:
            if response.status_code != 200:
                raise ListUnreadable(f"It answered with status {response.status_code}.")
            text = _read(response, deadline)
    except requests.RequestException as error:
        # Never the exception's own words: they hold the proxy's login, if there is one.
        raise ListUnreadable(_reason(error)) from None
    except (ValueError, UnicodeError):
        raise ListUnreadable("Its address, key or proxy can not be used in a request.") from None
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise ListUnreadable("Its answer is not JSON.") from None
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise ListUnreadable("Its answer is no list of models.")
    return body


def _read(response: requests.Response, deadline: float) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(64 * 1024):
        size += len(part)
        parts.append(part)
        if size > BYTES_MAX:
            raise ListUnreadable(f"It is larger than {BYTES_MAX // 1024 // 1024} MB.")
        if time.monotonic() > deadline:
            raise ListUnreadable(f"It was not complete after {TOTAL_SECONDS:.0f} seconds.")
    return b"".join(parts)


def _reason(error: requests.RequestException) -> str:
    reasons: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ProxyError, "The proxy did not let us through."),
        (requests.exceptions.SSLError, "The secure connection could not be made (TLS)."),
        (requests.exceptions.Timeout, "It did not answer in time."),
        (requests.exceptions.ConnectionError, "It could not be reached."),
    )
    return next(
        (text for kind, text in reasons if isinstance(error, kind)),
        "The request could not be sent.",
    )


def _next_url(url: str, body: dict[str, Any]) -> str | None:
    """The next page, if the list has one and it lies at the same host."""
    links = body.get("links")
    following = links.get("next") if isinstance(links, dict) else None
    if isinstance(following, str) and following:
        joined = urljoin(url, following)
        return joined if urlsplit(joined)[:2] == urlsplit(url)[:2] else None
    return None


def _rows(body: dict[str, Any]) -> list[ListedModel]:
    return [row for entry in body["data"] if (row := _row(entry)) is not None]


def _row(entry: object) -> ListedModel | None:
    if not isinstance(entry, dict):
        return None
    model_id = _text(entry.get("id"), 120)
    if not model_id:
        return None
    pricing = _part(entry, "pricing")
    looks = _part(entry, "architecture")
    top = _part(entry, "top_provider")
    inputs = str(looks.get("input_modalities") or looks.get("modality", "")).split("->")[0]
    outputs = str(looks.get("output_modalities") or "text")
    return ListedModel(
        id=model_id,
        name=_text(entry.get("name") or entry.get("display_name"), 200),
        canonical_slug=_text(entry.get("canonical_slug"), 120),
        input_usd=_usd_per_million(pricing.get("prompt")),
        output_usd=_usd_per_million(pricing.get("completion")),
        context_window=_count(entry.get("context_length")),
        max_output_tokens=_count(top.get("max_completion_tokens")),
        vision="image" in inputs,
        writes_text="text" in outputs,
        created=_count(entry.get("created")) or 0,
    )


def _part(entry: dict[str, Any], name: str) -> dict[str, Any]:
    part = entry.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: object, length_max: int) -> str:
    """One line that a database takes, or "" for what is none or too long to be one."""
    if not isinstance(value, str) or len(value) > length_max or not value.isprintable():
        return ""
    return value.strip()


def _count(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    # `created` is seconds since the epoch: larger than any count of tokens.
    return value if whole and 0 < value < COUNT_MAX * 100 else None  # type: ignore[operator,return-value]


def _usd_per_million(value: object) -> Decimal | None:
    """Dollars per token, as text or number, → per million. -1 (it depends) is unknown."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        dollars = (Decimal(str(value)) * 1_000_000).quantize(PRICE_STEP)
    except InvalidOperation:
        return None
    return dollars if dollars.is_finite() and 0 <= dollars <= PRICE_MAX else None
