"""The documented control under /_emulator: rules, requests seen, counters, pace, reset."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulators.ai.behaviour import PRESETS, Behaviour, describe
from emulators.ai.catalog import MODELS
from emulators.ai.state import EmulatorState, Listing, Rule


class PaceChange(BaseModel):
    """Body of PUT /_emulator/pace."""

    model_config = ConfigDict(extra="forbid")
    pace: float = Field(ge=0, le=100)


def control_routes(state: EmulatorState) -> list[Route]:
    """Routes of the control, bound to one emulator."""
    control = _Control(state)
    return [
        Route("/_emulator", control.overview),
        Route("/_emulator/rules", control.list_rules, methods=["GET"]),
        Route("/_emulator/rules", control.add_rules, methods=["POST"]),
        Route("/_emulator/rules", control.clear_rules, methods=["DELETE"]),
        Route("/_emulator/rules/{number:int}", control.drop_rule, methods=["DELETE"]),
        Route("/_emulator/listings/{provider}", control.set_listing, methods=["PUT"]),
        Route("/_emulator/requests", control.requests, methods=["GET"]),
        Route("/_emulator/counters", control.counters, methods=["GET"]),
        Route("/_emulator/pace", control.set_pace, methods=["PUT"]),
        Route("/_emulator/reset", control.reset, methods=["POST"]),
    ]


class _Control:
    def __init__(self, state: EmulatorState) -> None:
        self.state = state

    async def overview(self, request: Request) -> JSONResponse:
        schema = Behaviour.model_json_schema()
        return JSONResponse(
            {
                "emulates": {name: len(models) for name, models in MODELS.items()},
                "pace": self.state.pace,
                "presets": PRESETS,
                "behaviour": schema,
            }
        )

    async def list_rules(self, request: Request) -> JSONResponse:
        rules = self.state.rules.items()
        return JSONResponse({"rules": [_rule_json(number, rule) for number, rule in rules]})

    async def add_rules(self, request: Request) -> JSONResponse:
        try:
            sent = orjson.loads(await request.body())
            rows = sent if isinstance(sent, list) else [sent]
            rules = [_read_rule(row) for row in rows]
        except orjson.JSONDecodeError:
            return _bad("The body is not valid JSON.")
        except ValidationError as error:
            return _bad(describe(error))
        except ValueError as error:
            return _bad(str(error))
        numbers = [self.state.add_rule(rule) for rule in rules]
        return JSONResponse({"added": numbers}, 201)

    async def clear_rules(self, request: Request) -> JSONResponse:
        dropped = len(self.state.rules)
        self.state.rules.clear()
        return JSONResponse({"dropped": dropped})

    async def drop_rule(self, request: Request) -> JSONResponse:
        if self.state.rules.pop(request.path_params["number"], None) is None:
            return JSONResponse({"error": "No rule has that number."}, 404)
        return JSONResponse({"dropped": 1})

    async def set_listing(self, request: Request) -> JSONResponse:
        provider = request.path_params["provider"]
        if provider not in MODELS:
            return JSONResponse({"error": f"known: {', '.join(MODELS)}"}, 404)
        try:
            listing = Listing.model_validate_json(await request.body())
        except ValidationError as error:
            return _bad(describe(error))
        self.state.listings[provider] = listing
        return JSONResponse({"listing": listing.model_dump(exclude_defaults=True)})

    async def requests(self, request: Request) -> JSONResponse:
        rows = [seen.as_json() for seen in self.state.requests]
        if provider := request.query_params.get("provider"):
            rows = [row for row in rows if row["provider"] == provider]
        return JSONResponse({"requests": rows})

    async def counters(self, request: Request) -> JSONResponse:
        counts: dict[str, Any] = dict(self.state.counters)
        counts["open_streams"] = self.state.open_streams
        counts["most_open_streams"] = self.state.most_open_streams
        return JSONResponse({"counters": counts})

    async def set_pace(self, request: Request) -> JSONResponse:
        try:
            change = PaceChange.model_validate_json(await request.body())
        except ValidationError as error:
            return _bad(describe(error))
        self.state.pace = change.pace
        return JSONResponse({"pace": change.pace})

    async def reset(self, request: Request) -> JSONResponse:
        self.state.reset()
        return JSONResponse({"reset": True})


def _read_rule(row: object) -> Rule:
    """A rule; its behaviour may be the name of a preset."""
    if isinstance(row, dict) and isinstance(name := row.get("behaviour"), str):
        if name not in PRESETS:
            raise ValueError(f"no behaviour is called {name!r}; known: {', '.join(PRESETS)}")
        row = row | {"behaviour": PRESETS[name]}
    return Rule.model_validate(row)


def _rule_json(number: int, rule: Rule) -> dict[str, Any]:
    return {"number": number} | rule.model_dump(exclude_defaults=True)


def _bad(message: str) -> JSONResponse:
    return JSONResponse({"error": message}, 400)
