"""One cheap authorised call to a provider, to see that it is there and knows our key.

OpenRouter's list of models is public and a megabyte long, so there it is `GET /key`
(https://openrouter.ai/docs/api-reference/get-current-api-key); elsewhere the list of models.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Final

import requests
from urllib3.exceptions import HTTPError

from builder.providers.abort import AbortSwitch
from builder.providers.errors import ProviderError
from builder.providers.failures import provider_error, read_error_body
from builder.providers.network_failures import error_from_exception
from builder.providers.transport import open_session
from builder.providers.types import Endpoint
from models_catalog.endpoints import ProviderEndpoint
from models_catalog.models import Provider

CONNECT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 10.0
READ_MOST_BYTES: Final = 65_536
# https://docs.anthropic.com/en/api/versioning
ANTHROPIC_VERSION: Final = "2023-06-01"


@dataclass(frozen=True, slots=True)
class Probed:
    """latency_ms: until the head of the answer was there, or the failure. error: None is well."""

    latency_ms: int
    error: ProviderError | None = None


def provider_probe(provider: ProviderEndpoint, adapter: str) -> Probed:
    """Ask once. Never raises for what the provider or the network do."""
    url, headers = _request(provider, adapter)
    endpoint = Endpoint(
        base_url=provider.base_url,
        api_key=provider.api_key,
        proxy_url=provider.proxy_url,
        headers=provider.headers,
    )
    switch = AbortSwitch()
    began = time.monotonic()
    error: ProviderError | None = None
    try:
        with (
            open_session(endpoint, switch) as session,
            session.get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
            ) as response,
        ):
            latency_ms = _milliseconds(began)
            if response.status_code != 200:
                body = b""
                with contextlib.suppress(Exception):
                    body = response.raw.read(READ_MOST_BYTES, decode_content=True)
                report = read_error_body(body, response.headers.get("Content-Type", ""))
                error = provider_error(report, endpoint, status=response.status_code, overrides={})
    except ProviderError as failure:
        return Probed(_milliseconds(began), failure)
    except (requests.RequestException, HTTPError, OSError, ValueError) as failure:
        return Probed(
            _milliseconds(began), error_from_exception(failure, endpoint, answering=False)
        )
    finally:
        switch.release()
    return Probed(latency_ms, error)


def _request(provider: ProviderEndpoint, adapter: str) -> tuple[str, dict[str, str]]:
    base, key = provider.base_url, provider.api_key
    headers = {**dict(provider.headers), "Accept": "application/json"}
    if adapter == Provider.Adapter.ANTHROPIC:
        url = base.removesuffix("/v1") + "/v1/models?limit=1"
        return url, {**headers, "x-api-key": key, "anthropic-version": ANTHROPIC_VERSION}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return base + ("/key" if adapter == Provider.Adapter.OPENROUTER else "/models"), headers


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
