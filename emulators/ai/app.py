"""The ASGI application: provider paths, model lists and the control."""

from __future__ import annotations

import asyncio
import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from emulators.ai.catalog import PROVIDERS, Provider, find_model
from emulators.ai.chat import ChatEndpoint
from emulators.ai.control import control_routes
from emulators.ai.state import EmulatorState
from emulators.ai.wire import error_body, model_listing

DEFAULT_PACE = 1.0

BASE_PATHS: dict[Provider, str] = {
    "openrouter": "/openrouter/api/v1",
    "dashscope": "/dashscope/compatible-mode/v1",
    "openai": "/openai/v1",
    "anthropic": "/anthropic/v1",
}


class Emulator:
    """Streams go straight to their endpoint; everything else through Starlette's routes."""

    def __init__(self, *, pace: float = DEFAULT_PACE) -> None:
        self.state = EmulatorState(pace=pace)
        self._chats: dict[str, ASGIApp] = {}
        for provider in PROVIDERS:
            tail = "/messages" if provider == "anthropic" else "/chat/completions"
            path = BASE_PATHS[provider] + tail
            self._chats[path] = ChatEndpoint(provider, self.state)
        self._pages = Starlette(routes=[*_provider_routes(self.state), *control_routes(self.state)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            chat = self._chats.get(scope["path"])
            if chat is not None:
                await chat(scope, receive, send)
                return
        await self._pages(scope, receive, send)


def _provider_routes(state: EmulatorState) -> list[Route]:
    routes = [Route("/healthz", _healthz)]
    for provider, base in BASE_PATHS.items():
        routes.append(Route(f"{base}/models", _models_view(provider, state)))
        routes.append(Route(f"{base}/models/{{model:path}}", _model_view(provider)))

    async def generation(request: Request) -> JSONResponse:
        facts = state.generations.get(request.query_params.get("id", ""))
        if facts is None:
            return JSONResponse(error_body("openrouter", 404, message="Generation not found"), 404)
        return JSONResponse({"data": facts})

    async def key(request: Request) -> JSONResponse:
        return JSONResponse({"data": {"label": "emulated", "usage": 0, "limit": None}})

    routes.append(Route("/openrouter/api/v1/generation", generation))
    routes.append(Route("/openrouter/api/v1/key", key))
    return routes


def _models_view(provider: Provider, state: EmulatorState):  # type: ignore[no-untyped-def]
    async def models(request: Request) -> Response:
        state.counters[f"listings.{provider}"] += 1
        body = model_listing(provider)
        listing = state.listings.get(provider)
        if listing is None:
            return JSONResponse(body)
        await asyncio.sleep(listing.seconds)
        if listing.text is not None:
            return Response(listing.text, listing.status, media_type="application/json")
        if listing.status != 200:
            return JSONResponse(error_body(provider, listing.status), listing.status)
        return JSONResponse(body | {"data": listing.rows(body["data"])})

    return models


def _model_view(provider: Provider):  # type: ignore[no-untyped-def]
    async def model(request: Request) -> JSONResponse:
        name = request.path_params["model"]
        found = find_model(provider, name)
        if found is None:
            return JSONResponse(error_body(provider, 404), 404)
        rows = model_listing(provider)["data"]
        return JSONResponse(next(row for row in rows if row["id"] == found.id))

    return model


async def _healthz(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


app = Emulator(pace=float(os.environ.get("EMULATOR_PACE", DEFAULT_PACE)))
