"""One call of the API as a handler sees it, and the table of what can be called."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from emulators.stripe.store import Object, Store
from emulators.stripe.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """params: checked, with their types. id: the first name in the path, where it has one."""

    world: World
    path: str
    params: dict[str, Any]
    args: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.args["id"]

    @property
    def store(self) -> Store:
        return self.world.store

    def given(self, *names: str) -> dict[str, Any]:
        """Those of the named parameters that were sent; an empty string unsets, as in Stripe."""
        return {
            name: None if self.params[name] == "" else self.params[name]
            for name in names
            if name in self.params
        }


Handler = Callable[[Call], Object]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path with {names}, the class of its parameters, and who answers.

    Parameters that Stripe knows but the handler would ignore are named in `unsupported`: to take
    them silently would make an answer that real Stripe would not give.
    """

    method: str
    path: str
    shape: str
    handler: Handler
    unsupported: tuple[str, ...] = ()

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The names in the path, or None where the route is another."""
        if method != self.method:
            return None
        found = _pattern(self.path).fullmatch(path)
        return found.groupdict() if found else None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def merged_metadata(old: dict[str, str], sent: Any) -> dict[str, str]:
    """Metadata after an update: names are added, an empty value removes one, `""` removes all."""
    if sent == "":
        return {}
    merged = {**old, **(sent or {})}
    return {name: str(value) for name, value in merged.items() if value != ""}
