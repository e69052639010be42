"""Where a provider's calls go and what they carry: address, key, proxy, headers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from django.conf import settings

from models_catalog.models import Provider

# Where the stand-in for each kind of API lives below AI_EMULATOR_URL.
EMULATOR_PATHS: Final = {
    Provider.Adapter.OPENROUTER: "/openrouter/api/v1",
    Provider.Adapter.DASHSCOPE: "/dashscope/compatible-mode/v1",
    Provider.Adapter.OPENAI_COMPATIBLE: "/openai/v1",
    Provider.Adapter.ANTHROPIC: "/anthropic",
}
EMULATOR_KEY: Final = "emulated"


@dataclass(frozen=True, slots=True)
class ProviderEndpoint:
    """Holds a key: never log or show it. `base_url` "" means: it can not be called."""

    base_url: str
    api_key: str
    emulated: bool
    proxy_url: str | None
    headers: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"<ProviderEndpoint {self.base_url}>"


def endpoint_of(provider: Provider) -> ProviderEndpoint:
    """Where its calls go. The environment's URL wins; without key or URL the emulator, if any."""
    key = _from_environment(settings.PROVIDER_KEYS, provider.key_variable)
    base_url = _from_environment(settings.PROVIDER_BASE_URLS, provider.base_url_variable)
    emulated = False
    if key or base_url:
        base_url = base_url or provider.base_url.rstrip("/")
    elif settings.AI_EMULATOR_URL:
        base_url = settings.AI_EMULATOR_URL + EMULATOR_PATHS[Provider.Adapter(provider.adapter)]
        key, emulated = EMULATOR_KEY, True
    proxied = provider.use_proxy and not emulated
    return ProviderEndpoint(
        base_url=base_url,
        api_key=key,
        emulated=emulated,
        proxy_url=_proxy_url() if proxied else None,
        headers=_headers(provider),
    )


def _from_environment(known: dict[str, str], name: str) -> str:
    # Staff may add a provider whose variable the settings do not name. The column's validator
    # keeps that to `…_API_KEY`, so no other secret of ours can be sent out by a catalogue row.
    return known[name] if name in known else os.environ.get(name, "").strip()


def _proxy_url() -> str | None:
    if not settings.PROXY_HOST:
        return None
    login = ""
    if settings.PROXY_USER:
        login = f"{quote(settings.PROXY_USER, safe='')}:{quote(settings.PROXY_PASSWORD, safe='')}@"
    return f"http://{login}{settings.PROXY_HOST}:{settings.PROXY_PORT}"


def _headers(provider: Provider) -> tuple[tuple[str, str], ...]:
    if provider.adapter != Provider.Adapter.OPENROUTER:
        return ()
    # https://openrouter.ai/docs/app-attribution: names the app in OpenRouter's own reports.
    host = settings.ALLOWED_HOSTS[0].lstrip(".*") if settings.ALLOWED_HOSTS else "localhost"
    return (
        ("HTTP-Referer", f"{settings.SITES_SCHEME}://{host}"),
        ("X-Title", "Sitewright"),
    )
