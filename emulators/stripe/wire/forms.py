"""Stripe's form encoding: `line_items[0][price]=p` is {"line_items": [{"price": "p"}]}."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from emulators.stripe.errors import InvalidRequest

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 8


def decode(body: str) -> dict[str, Any]:
    """A query string or form body as nested parameters; every leaf is a string."""
    tree: dict[str, Any] = {}
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=2_000, errors="strict")
    except ValueError as error:
        raise InvalidRequest(f"The body can not be read as a form: {error}") from error
    for name, value in pairs:
        _put(tree, _path(name), value)
    found: dict[str, Any] = _lists(tree)
    return found


def _path(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise InvalidRequest(f"Invalid parameter name: {name}", param=name)
    parts = [match[1], *_PART.findall(match[2])]
    if len(parts) > _DEEPEST:
        raise InvalidRequest(f"Parameters nested too deeply: {name}", param=name)
    return parts


def _put(tree: dict[str, Any], path: list[str], value: str) -> None:
    here = tree
    for part in path[:-1]:
        # `expand[]=a&expand[]=b`: each one gets the next number.
        step = here.setdefault(part or str(len(here)), {})
        if not isinstance(step, dict):
            raise InvalidRequest(f"Invalid hash: {part}", param=path[0])
        here = step
    here[path[-1] or str(len(here))] = value


def _lists(value: Any) -> Any:
    """Tables whose names are 0, 1, 2 … become lists."""
    if not isinstance(value, dict):
        return value
    inside = {name: _lists(part) for name, part in value.items()}
    if inside and all(name.isdigit() for name in inside):
        return [inside[name] for name in sorted(inside, key=int)]
    return inside
