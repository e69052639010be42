"""The chat endpoint of each provider, from a request's bytes to its answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulators.ai.behaviour import (
    GOOD,
    BadTrigger,
    Behaviour,
    behaviour_from_prompt,
)
from emulators.ai.catalog import Model, Provider, find_model
from emulators.ai.conversation import BadRequest, Conversation, read_conversation
from emulators.ai.generation import generation_facts
from emulators.ai.plan import Plan, make_plan
from emulators.ai.state import EmulatorState, Seen
from emulators.ai.streaming import Stream, hang_up
from emulators.ai.wire import WIRES, Wire, error_body

MAX_BODY_BYTES = 32 * 1024 * 1024
_PUBLIC_HEADERS = ("user-agent", "http-referer", "x-title", "anthropic-version", "accept")
_HTML_ERROR = """<!DOCTYPE html>
<html><head><title>{status} Bad Gateway</title></head>
<body><center><h1>{status} Bad Gateway</h1></center><hr><center>cloudflare</center></body></html>
"""


class Refused(Exception):
    """A request that gets an error body instead of an answer."""

    def __init__(self, status: int, message: str | None = None, code: str | None = None) -> None:
        super().__init__(message or str(status))
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True)
class _Asked:
    """A request that was understood."""

    model: Model
    conversation: Conversation
    behaviour: Behaviour
    max_tokens: int | None


class ChatEndpoint:
    """ASGI application for one provider's chat path."""

    def __init__(self, provider: Provider, state: EmulatorState) -> None:
        self.provider: Provider = provider
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        seen: Seen | None = None
        try:
            body = await self._body(request)
            seen = self._see(request, body)
            asked = self._understand(seen, body)
        except Refused as refused:
            response = self._error(refused.status, refused.message, refused.code)
            if seen is not None:
                seen.status = response.status_code
                self.state.ended(seen, "refused")
            await response(scope, receive, send)
            return
        except ClientDisconnect:
            return
        await self._answer(seen, asked, body, scope, receive, send)

    async def _body(self, request: Request) -> dict[str, Any]:
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise Refused(413)
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            raise Refused(400, "The request body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise Refused(400, "The request body must be a JSON object.")
        return body

    def _see(self, request: Request, body: dict[str, Any]) -> Seen:
        headers = request.headers
        key = headers.get("x-api-key") or headers.get("authorization", "")
        key = key.removeprefix("Bearer ").strip()
        kept = {name: headers[name] for name in _PUBLIC_HEADERS if name in headers}
        return self.state.see(provider=self.provider, body=body, api_key=key, headers=kept)

    def _understand(self, seen: Seen, body: dict[str, Any]) -> _Asked:
        if not seen.api_key:
            raise Refused(401)
        if self.provider == "anthropic" and "anthropic-version" not in seen.headers:
            raise Refused(400, "anthropic-version: header is required")
        try:
            conversation = read_conversation(body)
        except BadRequest as error:
            raise Refused(400, str(error)) from None
        seen.input_tokens = conversation.input_tokens
        behaviour = self._behaviour(seen, conversation)
        model = self._model(body)
        if conversation.images and not model.vision:
            raise Refused(404, "No endpoints found that support image input")
        if behaviour.status is None and conversation.input_tokens >= model.context_tokens:
            raise Refused(400, _too_long(model, conversation), "context_length_exceeded")
        return _Asked(model, conversation, behaviour, self._max_tokens(body))

    def _behaviour(self, seen: Seen, conversation: Conversation) -> Behaviour:
        text = conversation.request
        try:
            asked = behaviour_from_prompt(text, provider=self.provider, model=seen.model)
        except BadTrigger as error:
            raise Refused(400, f"[emulate: …] {error}") from None
        behaviour = self.state.take_behaviour(seen, text) or asked or GOOD
        seen.behaviour = behaviour.model_dump(exclude_defaults=True)
        return behaviour

    def _model(self, body: dict[str, Any]) -> Model:
        asked = body.get("model")
        model = find_model(self.provider, asked) if isinstance(asked, str) else None
        if model is not None:
            return model
        if self.provider == "openrouter":
            raise Refused(400, f"{asked} is not a valid model ID")
        if self.provider == "anthropic":
            raise Refused(404, f"model: {asked}")
        raise Refused(404, f"The model `{asked}` does not exist or you do not have access to it.")

    def _max_tokens(self, body: dict[str, Any]) -> int | None:
        value = body.get("max_tokens") or body.get("max_completion_tokens")
        if value is None:
            if self.provider == "anthropic":
                raise Refused(400, "max_tokens: Field required")
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise Refused(400, "max_tokens: must be a positive integer")
        return value

    async def _answer(
        self,
        seen: Seen,
        asked: _Asked,
        body: dict[str, Any],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        behaviour = asked.behaviour
        if behaviour.hang_up:
            self.state.ended(seen, "cut")
            hang_up(receive)
            return
        if behaviour.html or behaviour.status is not None:
            response = self._told_error(behaviour)
            seen.status = response.status_code
            self.state.ended(seen, "refused")
            await response(scope, receive, send)
            return
        wire, plan = await self._prepare(seen, asked, body)
        if seen.stream:
            await self._stream(seen, wire, plan, behaviour, receive, send)
        else:
            await self._whole(seen, wire, plan, behaviour, scope, receive, send)

    def _told_error(self, behaviour: Behaviour) -> Response:
        status = behaviour.status or 502
        if behaviour.html:
            page = _HTML_ERROR.format(status=status)
            return Response(page, status, media_type="text/html")
        response = self._error(status, behaviour.message, behaviour.code)
        if behaviour.retry_after is not None:
            value = behaviour.retry_after
            response.headers["retry-after"] = (
                str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            )
        return response

    def _error(self, status: int, message: str | None, code: str | None) -> Response:
        body = orjson.dumps(error_body(self.provider, status, message=message, code=code))
        # No 402 of these two exists: what they send instead is part of their wire.
        sent = {("dashscope", 402): 400, ("openai", 402): 429}.get((self.provider, status), status)
        return Response(body, sent, media_type="application/json")

    async def _prepare(self, seen: Seen, asked: _Asked, body: dict[str, Any]) -> tuple[Wire, Plan]:
        # Writing a site takes some tens of milliseconds: other streams go on meanwhile.
        plan = await asyncio.to_thread(
            make_plan,
            model=asked.model,
            conversation=asked.conversation,
            behaviour=asked.behaviour,
            max_tokens=asked.max_tokens,
            pace=self.state.pace,
        )
        options = body.get("stream_options")
        wire = WIRES[self.provider](
            model=asked.model,
            asked_model=seen.model,
            usage_shape=asked.behaviour.usage,
            include_usage=bool(isinstance(options, dict) and options.get("include_usage")),
            created=int(time.time()),
            input_tokens=asked.conversation.input_tokens,
        )
        seen.status, seen.generation_id = 200, wire.id
        seen.output_tokens = plan.reply.usage.output_tokens
        return wire, plan

    async def _stream(
        self,
        seen: Seen,
        wire: Wire,
        plan: Plan,
        behaviour: Behaviour,
        receive: Receive,
        send: Send,
    ) -> None:
        stream = Stream(wire=wire, plan=plan, behaviour=behaviour, seen=seen, send=send)
        self.state.opened()
        outcome = "error"
        try:
            outcome = await stream.run(receive)
        finally:
            self.state.open_streams -= 1
            self.state.ended(seen, outcome)
            self._keep(seen, wire, plan)

    async def _whole(
        self,
        seen: Seen,
        wire: Wire,
        plan: Plan,
        behaviour: Behaviour,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        await asyncio.sleep(plan.first_token_seconds + plan.chunk_seconds * len(plan.chunks))
        if behaviour.stall:
            await asyncio.sleep(behaviour.stall.seconds or 3600)
        if behaviour.cut_after_chars is not None or behaviour.cut_after_bytes is not None:
            self.state.ended(seen, "cut")
            hang_up(receive)
            return
        payload, outcome = wire.whole(plan.reply), "finished"
        if behaviour.error:
            error = behaviour.error
            payload = error_body(self.provider, error.status, message=error.message)
            outcome = "error"
        elif not behaviour.garbage:
            seen.chars_sent = len(plan.reply.text)
        data = b"{not json" if behaviour.garbage else orjson.dumps(payload)
        response = Response(data, media_type="application/json")
        response.raw_headers.extend(wire.headers())
        self.state.ended(seen, outcome)
        self._keep(seen, wire, plan)
        await response(scope, receive, send)

    def _keep(self, seen: Seen, wire: Wire, plan: Plan) -> None:
        """Keep the facts of GET /generation; an answer cut short is billed for its part."""
        if self.provider != "openrouter":
            return
        usage = plan.reply.usage
        sent = usage.output_tokens
        if seen.chars_sent < len(plan.reply.text):
            sent = round(sent * seen.chars_sent / len(plan.reply.text))
        self.state.keep_generation(wire.id, generation_facts(seen, wire, plan, sent))


def _too_long(model: Model, conversation: Conversation) -> str:
    return (
        f"This endpoint's maximum context length is {model.context_tokens} tokens. "
        f"However, you requested about {conversation.input_tokens} tokens of text input. "
        "Please reduce the length of either one."
    )
