"""Answers: expanding what is asked for, and lists in pages, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from emulators.stripe.errors import InvalidRequest
from emulators.stripe.store import Object, Store, copied

DEEPEST_EXPANSION = 4
_PREFIXES_OF_IDS = (
    "cus_", "prod_", "price_", "cs_", "sub_", "in_", "pi_", "ch_", "re_", "du_", "pm_", "txn_",
)  # fmt: skip

# Fields that Stripe leaves out until they are asked for: (object, field) -> how to fill them.
Includable = Callable[[Store, Object], Any]
INCLUDABLE: dict[tuple[str, str], Includable] = {}


def as_list(rows: Iterable[Object], *, url: str, has_more: bool = False) -> Object:
    """A list object."""
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": url}


def expanded(store: Store, thing: Object, paths: Iterable[str]) -> Object:
    """A copy of the object in which the named fields are whole objects; raises InvalidRequest."""
    answer: Object = copied(thing)
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST_EXPANSION + ("data" in parts):
            raise InvalidRequest(
                f"You cannot expand more than {DEEPEST_EXPANSION} levels of a property: {path}",
                param="expand",
            )
        _expand(store, answer, parts, path)
    return answer


def _expand(store: Store, value: Any, parts: list[str], path: str) -> None:
    if isinstance(value, list):
        for one in value:
            _expand(store, one, parts, path)
        return
    if value is None or not parts:
        return
    if not isinstance(value, dict):
        raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
    field, rest = parts[0], parts[1:]
    fill = INCLUDABLE.get((str(value.get("object")), field))
    if fill is not None and not isinstance(value.get(field), dict):
        value[field] = copied(fill(store, value))
    elif field not in value:
        raise InvalidRequest(
            f"This property cannot be expanded ({path}). You may want to try expanding a "
            "property that holds an object.",
            param="expand",
        )
    elif isinstance(value[field], str):
        value[field] = _whole(store, value[field], path)
    _expand(store, value[field], rest, path)


def _whole(store: Store, object_id: str, path: str) -> Object:
    found = store.find(object_id) if object_id.startswith(_PREFIXES_OF_IDS) else None
    if found is None:
        raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
    whole: Object = copied(found)
    return whole


def page(store: Store, rows: list[Object], params: dict[str, Any], *, url: str) -> Object:
    """One page of the rows (given oldest first), as the parameters of a list ask for it."""
    rows = [row for row in reversed(rows) if _created_within(row, params.get("created"))]
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise InvalidRequest("Limit must be between 1 and 100.", param="limit")
    if after := params.get("starting_after"):
        rows = rows[_place(rows, after, "starting_after") + 1 :]
        chosen, more = rows[:limit], len(rows) > limit
    elif before := params.get("ending_before"):
        rows = rows[: _place(rows, before, "ending_before")]
        chosen, more = rows[-limit:], len(rows) > limit
    else:
        chosen, more = rows[:limit], len(rows) > limit
    answer = as_list(chosen, url=url, has_more=more)
    return expanded(store, answer, params.get("expand", []))


def _place(rows: list[Object], object_id: str, param: str) -> int:
    for place, row in enumerate(rows):
        if row["id"] == object_id:
            return place
    raise InvalidRequest(f"No such object: '{object_id}'", code="resource_missing", param=param)


def _created_within(row: Object, asked: int | dict[str, int] | None) -> bool:
    if asked is None:
        return True
    moment = row["created"]
    if isinstance(asked, int):
        return bool(moment == asked)
    return bool(
        asked.get("gt", moment - 1) < moment < asked.get("lt", moment + 1)
        and asked.get("gte", moment) <= moment <= asked.get("lte", moment)
    )
