"""Holds an answer against the classes that Stripe generates from its own API description."""

from __future__ import annotations

import types
import typing
from decimal import Decimal
from typing import Any

import stripe
from stripe import ListObject, StripeObject
from stripe._stripe_object import UntypedStripeObject

# Names that stripe's modules give to classes of other modules.
_ALIASES = {
    "CardResource": stripe.Card,
    "DisputeResource": stripe.Dispute,
    "Configuration": stripe.billing_portal.Configuration,
}
_ABSENT = object()
_NOT_FIELDS = ("OBJECT_NAME", "deleted")
_PLAIN = {int: (int,), str: (str,), bool: (bool,), float: (int, float), Decimal: (str,)}


def faults(value: object, annotation: Any, path: str) -> list[str]:
    """What is wrong with a JSON value, in words; empty where nothing is."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, typing.ForwardRef):
        return faults(value, _named(annotation.__forward_arg__), path)
    if isinstance(annotation, str):
        return faults(value, _named(annotation), path)
    if annotation is Any or annotation is object:
        return []
    if origin in (typing.Union, types.UnionType):
        return _of_union(value, args, path)
    if origin is typing.Literal:
        return [] if value in args else [f"{path}: {value!r} is none of {args}"]
    if annotation is type(None):
        return [] if value is None else [f"{path}: {value!r} is not null"]
    if annotation in _PLAIN:
        right = isinstance(value, _PLAIN[annotation])
        if isinstance(value, bool) and annotation is not bool:
            right = False
        return [] if right else [f"{path}: {value!r} is no {annotation.__name__}"]
    if origin in (list, ListObject):
        return _of_list(value, origin, args[0], path)
    if origin is UntypedStripeObject or annotation is UntypedStripeObject:
        return [] if isinstance(value, dict) else [f"{path}: {value!r} is no object"]
    if isinstance(annotation, type) and issubclass(annotation, StripeObject):
        return object_faults(value, annotation, path)
    raise TypeError(f"{path}: no way to check {annotation!r}")


def object_faults(value: object, shape: type[StripeObject], path: str = "") -> list[str]:
    """The faults of an object: missing fields, wrong types, fields that Stripe does not have."""
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no {shape.__name__}"]
    found = []
    for name, annotation in shape.__annotations__.items():
        if name in _NOT_FIELDS:
            continue
        field = value.get(name, _ABSENT)
        if field is _ABSENT:
            if type(None) not in typing.get_args(annotation):
                found.append(f"{path}.{name}: is missing")
        else:
            found += faults(field, annotation, f"{path}.{name}")
    unknown = set(value) - set(shape.__annotations__)
    return found + [f"{path}.{name}: Stripe has no such field" for name in sorted(unknown)]


def _named(name: str) -> Any:
    found = _ALIASES.get(name) or getattr(stripe, name, None)
    return Any if found is None else found


def _of_union(value: object, branches: tuple[Any, ...], path: str) -> list[str]:
    results = [faults(value, branch, path) for branch in branches]
    # The branch that comes nearest is the one that was meant.
    return min(results, key=len)


def _of_list(value: object, origin: Any, inner: Any, path: str) -> list[str]:
    if origin is ListObject:
        if not isinstance(value, dict) or value.get("object") != "list":
            return [f"{path}: {value!r} is no list object"]
        value = value["data"]
    if not isinstance(value, list):
        return [f"{path}: {value!r} is no list"]
    found = []
    for number, one in enumerate(value):
        found += faults(one, inner, f"{path}[{number}]")
    return found
