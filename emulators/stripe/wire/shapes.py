"""Parameters, held against the types that Stripe itself generates from its API description.

The `stripe` package ships every request's parameters as TypedDicts. Checking against those, and
not against a list of our own, means that what passes here is what the real API knows.
"""

from __future__ import annotations

import importlib
import typing
from decimal import Decimal
from functools import cache
from typing import Any

import stripe.params  # noqa: F401 - loaded at the start, so that no request waits for it
from pydantic import ConfigDict, TypeAdapter, ValidationError

from emulators.stripe.errors import InvalidRequest

# Options of the Python client, which its types name beside the parameters; none goes on the wire.
_OPTIONS = frozenset(
    ("api_key", "stripe_version", "stripe_account", "max_network_retries", "idempotency_key",
     "stripe_context", "content_type", "headers")
)  # fmt: skip
_STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def check(name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The parameters with their types; raises InvalidRequest in Stripe's words.

    name: the class in `stripe.params`, such as `checkout.SessionCreateParams`.
    """
    for option in _OPTIONS.intersection(sent):
        raise InvalidRequest(
            f"Received unknown parameter: {option}", code="parameter_unknown", param=option
        )
    try:
        checked: dict[str, Any] = _adapter(name).validate_python(sent)
    except ValidationError as error:
        raise _as_stripe_says(error) from None
    return checked


@cache
def _adapter(name: str) -> TypeAdapter[dict[str, Any]]:
    package, _, class_name = name.rpartition(".")
    module = importlib.import_module(
        ".".join(filter(None, ["stripe.params", package, f"_{_snake(class_name)}"]))
    )
    for scope in (module, importlib.import_module("stripe._request_options")):
        for found in list(vars(scope).values()):
            if isinstance(found, type) and hasattr(found, "__total__"):
                found.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]
    names = {**vars(typing), **vars(module), "StripeContext": object, "Decimal": Decimal}
    adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(getattr(module, class_name))
    adapter.rebuild(force=True, _types_namespace=names)
    return adapter


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _as_stripe_says(error: ValidationError) -> InvalidRequest:
    # A union reports every branch: the deepest complaint is the one that was meant.
    first = max(error.errors(), key=lambda one: len(one["loc"]))
    path = [part for part in first["loc"] if _is_a_name(part)]
    param = str(path[0]) + "".join(f"[{part}]" for part in path[1:]) if path else ""
    if first["type"] == "extra_forbidden":
        return InvalidRequest(
            f"Received unknown parameter: {param}", code="parameter_unknown", param=param
        )
    if first["type"] == "missing":
        return InvalidRequest(
            f"Missing required param: {param}.", code="parameter_missing", param=param
        )
    if first["type"].startswith("int_"):
        return InvalidRequest(
            f"Invalid integer: {first['input']}", code="parameter_invalid_integer", param=param
        )
    return InvalidRequest(f"Invalid {param}: {first['msg']}", param=param)


def _is_a_name(part: int | str) -> bool:
    """Not the label of a branch of a union, such as `dict[str,str]` or `SomeParams`."""
    return isinstance(part, int) or (part.islower() and part.isidentifier())
