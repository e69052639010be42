"""Asking a provider afterwards what an answer came to, where the stream did not tell.

https://openrouter.ai/docs/api_reference/get-a-generation: the facts are there some seconds after
the answer, under the id of its `X-Generation-Id` header; until then the call is a 404. They are
counts of the model's own tokenizer and what OpenRouter takes from our credit, also for an answer
that was broken off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import requests

from builder.providers.abort import AbortSwitch
from builder.providers.chunks import load_object
from builder.providers.errors import ProviderError
from builder.providers.failures import provider_error, read_error_body, retry_after
from builder.providers.network_failures import error_from_exception
from builder.providers.transport import open_session
from builder.providers.types import Endpoint, Usage
from builder.providers.usage import token_count, usd

_MAX_BODY_BYTES = 65536

UsageLookup = Callable[[Endpoint, str], Usage]


def openrouter_generation(endpoint: Endpoint, generation_id: str) -> Usage:
    """What OpenRouter counted and charged for one generation. Raises ProviderError only.

    `not_found` usually means: not yet.
    """
    url = f"{endpoint.base_url.rstrip('/')}/generation"
    headers = {"Authorization": f"Bearer {endpoint.api_key}", "User-Agent": "Sitewright"}
    answering = False
    try:
        with (
            open_session(endpoint, AbortSwitch()) as session,
            session.get(
                url,
                params={"id": generation_id},
                headers={**headers, **dict(endpoint.headers)},
                stream=True,
                allow_redirects=False,
                timeout=(endpoint.connect_timeout_seconds, endpoint.read_timeout_seconds),
            ) as response,
        ):
            answering = True
            body = response.raw.read(_MAX_BODY_BYTES, decode_content=True)
            return _usage(response, body, endpoint)
    except ProviderError:
        raise
    except ValueError as error:
        # The libraries' ValueErrors quote the value: a header, and so the key.
        raise error_from_exception(error, endpoint, answering=answering) from None
    except Exception as error:
        raise error_from_exception(error, endpoint, answering=answering) from error


def _usage(response: requests.Response, body: bytes, endpoint: Endpoint) -> Usage:
    if response.status_code != 200:
        raise provider_error(
            read_error_body(body, response.headers.get("Content-Type", "")),
            endpoint,
            status=response.status_code,
            overrides={},
            retry_after_seconds=retry_after(response.headers),
        )
    facts = load_object(body).get("data")
    usage = _from_facts(facts) if isinstance(facts, dict) else None
    if usage is None:
        raise ProviderError("bad_response", "The provider's record of the answer has no counts.")
    return usage


def _from_facts(facts: Mapping[str, object]) -> Usage | None:
    given = token_count(facts.get("native_tokens_prompt"))
    made = token_count(facts.get("native_tokens_completion"))
    if given is None or made is None:
        return None
    return Usage(
        input_tokens=given,
        output_tokens=made,
        reasoning_tokens=token_count(facts.get("native_tokens_reasoning")),
        cached_tokens=token_count(facts.get("native_tokens_cached")),
        cost_usd=usd(facts.get("total_cost")),
    )


#: By the adapter's name; the others keep no record that could be asked for.
_LOOKUPS: Mapping[str, UsageLookup] = MappingProxyType({"openrouter": openrouter_generation})


def usage_lookup_for(adapter_name: str) -> UsageLookup | None:
    """How to ask afterwards, or None where a provider does not offer it."""
    return _LOOKUPS.get(adapter_name)
