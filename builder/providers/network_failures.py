"""From an exception of `requests`, urllib3, http.client, ssl or the system to our error."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as urllib3_errors

from builder.providers.errors import ErrorCode, ProviderError
from builder.providers.redaction import clean_message
from builder.providers.types import Endpoint

_TLS = (ssl.SSLError, ssl.CertificateError, urllib3_errors.SSLError, requests.exceptions.SSLError)
_CUT = (
    http.client.RemoteDisconnected,
    http.client.IncompleteRead,
    ConnectionError,
    urllib3_errors.IncompleteRead,
)

#: First match wins; each is looked for in the whole chain of causes.
_BEFORE_HEADERS: tuple[tuple[tuple[type[BaseException], ...], ErrorCode, str], ...] = (
    (
        (requests.exceptions.ProxyError, urllib3_errors.ProxyError),
        "proxy_failed",
        "The proxy could not be used",
    ),
    (_TLS, "tls_failed", "No secure connection to the provider"),
    (
        (urllib3_errors.NameResolutionError,),
        "dns_failed",
        "The provider's name could not be looked up",
    ),
    (
        (urllib3_errors.NewConnectionError, ConnectionRefusedError),
        "connect_failed",
        "The provider could not be reached",
    ),
    (
        (urllib3_errors.ConnectTimeoutError, requests.exceptions.ConnectTimeout),
        "timeout",
        "The provider could not be reached in time",
    ),
    (
        (urllib3_errors.ReadTimeoutError, requests.exceptions.ReadTimeout, TimeoutError),
        "timeout",
        "The provider did not answer in time",
    ),
    (_CUT, "cut", "The provider closed the connection before it answered"),
    ((http.client.HTTPException,), "bad_response", "The provider did not answer in HTTP"),
    (
        (ValueError, urllib3_errors.LocationValueError, requests.exceptions.RequestException),
        "connect_failed",
        "The endpoint's address, key or headers are not usable",
    ),
)
_DURING_ANSWER: tuple[tuple[tuple[type[BaseException], ...], ErrorCode, str], ...] = (
    (
        (urllib3_errors.ReadTimeoutError, TimeoutError),
        "timeout",
        "The provider fell silent during the answer",
    ),
    ((urllib3_errors.DecodeError,), "bad_response", "The answer's encoding is broken"),
    ((*_CUT, *_TLS, OSError), "cut", "The connection was cut during the answer"),
)


def error_from_exception(
    error: BaseException, endpoint: Endpoint, *, answering: bool
) -> ProviderError:
    """`answering`: the response's headers had been read."""
    chain = list(_causes(error))
    for kinds, code, text in _DURING_ANSWER if answering else _BEFORE_HEADERS:
        if any(isinstance(cause, kinds) for cause in chain):
            return _error(code, text, chain, endpoint)
    return _error("bad_response", "The answer could not be read", chain, endpoint)


def _error(
    code: ErrorCode, text: str, chain: list[BaseException], endpoint: Endpoint
) -> ProviderError:
    return ProviderError(code, clean_message(f"{text} ({_detail(chain)}).", endpoint))


def _detail(chain: list[BaseException]) -> str:
    """The system's own words ("Connection refused"), else the innermost cause's name.

    What the libraries wrap around them repeats addresses, object names and, for a value
    that could not be sent, the value: which may be the key.
    """
    for cause in reversed(chain):
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException):
            return cause.strerror or str(cause) or type(cause).__name__
    return type(chain[-1]).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps, outermost first."""
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        current = queue.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        reason = getattr(current, "reason", None)
        queue += [reason, *current.args, current.__cause__]
