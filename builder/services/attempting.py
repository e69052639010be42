"""Asking the providers of a run, one after the other, until one gives content.

Each call is an `Attempt` row. Nothing is retried and nobody else is asked after the first content.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from django.conf import settings
from django.db import connections
from django.utils import timezone
from django.utils.translation import gettext as _

from builder.attempt_costs import AttemptCost, attempt_cost
from builder.models import Attempt, Run
from builder.providers import adapter_for
from builder.providers.errors import ProviderError
from builder.providers.types import (
    ChatRequest,
    Endpoint,
    Finished,
    Message,
    Started,
    TextDelta,
    UsageReported,
)
from builder.routing.guard import Permit, guard
from builder.routing.plan import Plan, PlannedRoute
from builder.routing.policy import FAULT_CODES, Move, failure_without_content, move_after
from builder.selectors.runs import progress_of
from builder.services.finishing import Outcome
from builder.services.gate import gate
from builder.services.judging import Answer
from builder.services.monitor import Watch
from builder.services.outages import provider_out
from builder.streaming.live import LiveReply
from builder.streaming.log import log_writer
from config.prepared import PreparedInsert

_ATTEMPT = PreparedInsert(Attempt)


@dataclass(slots=True)
class Asking:
    """The attempts of one run. `answer` and `route` are those of the last one.

    Read from the monitor's thread too, for the status: `route` and `note` are replaced whole.
    """

    run: Run
    plan: Plan
    messages: tuple[Message, ...]
    watch: Watch
    live: LiveReply
    answer: Answer = field(default_factory=Answer)
    route: PlannedRoute | None = None
    note: str = ""
    attempts: int = 0
    waited: bool = False
    own_was_asked: bool = False

    def ask(self) -> None:
        """Try the routes in order. Those that are failing right now are left out; where that
        leaves none, they are asked all the same: better a try than a refusal."""
        skipped: list[PlannedRoute] = []
        routes = list(self.plan.routes)
        for place, route in enumerate(routes):
            permit = guard().permit(route.target)
            if permit is None:
                skipped.append(route)
                continue
            if not self._try(route, permit, left=routes[place + 1 :]):
                return
        if self.attempts:
            return
        for place, route in enumerate(skipped):
            permit = guard().permit(route.target, whatever=True)
            if permit is None or not self._try(route, permit, left=skipped[place + 1 :]):
                return

    def _try(self, route: PlannedRoute, permit: Permit, *, left: list[PlannedRoute]) -> bool:
        """Ask one route, twice where it asks for a short wait. True: the next may be asked."""
        others = any(guard().is_well(other.target) for other in left)
        while True:
            self._say_moving(route)
            self._attempt(route, permit, alone=not others)
            if self.watch.parts or self.watch.stop_reason:
                return False
            error = failure_without_content(self.answer.error, self.answer.finish)
            if error is None:
                return False
            move = move_after(error, others=bool(left), waited=self.waited)
            if move is Move.STOP or (move is Move.NEXT and not left):
                return False
            self._close_attempt(error)
            if move is Move.NEXT:
                return True
            if self._stopped_while_waiting(route, error):
                return False
            permit = guard().permit(route.target, whatever=True) or permit

    def _attempt(self, route: PlannedRoute, permit: Permit, *, alone: bool) -> None:
        """One call of one provider. Never raises for what a provider does."""
        self.route, self.answer = route, Answer()
        self.attempts += 1
        self.own_was_asked |= not route.is_fallback
        target = route.target
        _ATTEMPT.run(
            Attempt(
                run=self.run,
                number=self.attempts,
                model_slug=target.model_slug,
                provider_slug=target.provider_slug,
                provider_model_id=target.provider_model_id,
                started_at=timezone.now(),
            )
        )
        # The stream may last minutes: the pool's connection is for others meanwhile.
        connections.close_all()
        gate.leave()
        self._stream(route, permit, alone=alone)
        self._tell_guard(permit)

    def _stream(self, route: PlannedRoute, permit: Permit, *, alone: bool) -> None:
        watch, answer, blank = self.watch, self.answer, ""
        # Whoever is one of several may not use up the time of the others.
        limit = None if alone else guard().silence_seconds(permit)
        with adapter_for(route.target.adapter).open(*_call(route, self.messages)) as stream:
            watch.attempt(stream, first_content_seconds=limit)
            try:
                for event in stream:
                    if isinstance(event, TextDelta):
                        # Blank text is not yet content: an answer of nothing else is empty.
                        blank += event.text
                        if not watch.parts and not blank.strip():
                            continue
                        text, blank = blank, ""
                        self._relay(text, permit)
                    elif isinstance(event, UsageReported):
                        answer.usage = event.usage
                    elif isinstance(event, Finished):
                        answer.finish = event.reason
                    elif isinstance(event, Started):
                        answer.generation_id = event.generation_id or ""
            except ProviderError as error:
                answer.error = error
            # Some name it in a header, before the first event: enough to ask for it later.
            answer.generation_id = answer.generation_id or stream.generation_id or ""
        if watch.route_is_late and not watch.parts and not watch.stop_reason:
            answer.error = ProviderError("timeout", "No content within the time for one route.")

    def _relay(self, text: str, permit: Permit) -> None:
        # No database of ours stores NUL; models have no business sending it.
        text = text.replace("\x00", "\ufffd")
        if not self.watch.parts:
            if not self.watch.begins():
                return
            self.run.first_content_at = timezone.now()
            self.note = ""
            guard().began(permit, self.watch.waited_seconds())
        self.watch.content(text)
        log_writer().text(self.run.pk, text)

    def _tell_guard(self, permit: Permit) -> None:
        """What an attempt without content says about its route."""
        watch = self.watch
        if watch.parts:
            return
        if watch.stop_reason == "first_token_timeout":
            guard().failed(permit, "timeout", "It did not begin to answer.")
        elif watch.stop_reason:
            guard().released(permit)
        else:
            error = failure_without_content(self.answer.error, self.answer.finish)
            if error is not None and error.account:
                guard().released(permit)
                provider_out(permit.target.provider_slug, error)
            elif error is not None and error.code in FAULT_CODES:
                guard().failed(permit, error.code, error.message, error.retry_after_seconds)
            else:
                # It refused this request: it is there.
                guard().answered(permit)

    def _close_attempt(self, error: ProviderError) -> None:
        """A failed attempt that others follow: what it was, and what it used of ours."""
        usage = self.answer.usage
        cost = AttemptCost()
        if usage is not None and self.route is not None:
            cost = attempt_cost(
                self.route.target,
                told_usd=usage.cost_usd,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
            )
        Attempt.objects.filter(run=self.run, number=self.attempts).update(
            outcome=error.code,
            message=str(error)[:500],
            generation_id=self.answer.generation_id[:120],
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            cost_usd=cost.usd,
            cost_estimated=cost.estimated,
            ended_at=timezone.now(),
        )

    def _stopped_while_waiting(self, route: PlannedRoute, error: ProviderError) -> bool:
        self.waited = True
        seconds = error.retry_after_seconds or 0.0
        self.note = _("%(provider)s is busy, trying again in %(seconds)d s…") % {
            "provider": route.target.provider_name,
            "seconds": max(1, round(seconds)),
        }
        self.say()
        # The database's connection is for others meanwhile.
        connections.close_all()
        gate.leave()
        self.watch.wait(seconds)
        return self.watch.stop_reason is not None

    def _say_moving(self, route: PlannedRoute) -> None:
        """Tell the readers that somebody else is asked now."""
        before = self.route
        if before is route or (before is None and not route.is_fallback):
            return
        if before is None:
            words = _("%(first)s does not answer at the moment, asking %(second)s…")
            asked, now = self.plan.model_name, route.model_name
        else:
            words = _("%(first)s did not answer, trying %(second)s…")
            asked, now = before.model_name, route.model_name
            if asked == now:
                asked, now = before.target.provider_name, route.target.provider_name
        self.note = words % {"first": asked, "second": now}
        self.route = route
        self.say()

    def say(self) -> None:
        """A `status` event: how far it is, who is asked, and why somebody else is."""
        log_writer().event(self.run.pk, "status", self.status())

    def status(self) -> dict[str, object]:
        live, route = self.live, self.route
        status = progress_of(
            self.run,
            input_tokens=live.input_tokens,
            output_tokens=live.output_tokens(),
            fallback_price=route.price if route else None,
        )
        if route is not None:
            status["model"] = route.target.model_slug
        return {**status, "note": self.note} if self.note else status

    def told(self, outcome: Outcome) -> Outcome:
        """The outcome with who answered and why, or that nobody did."""
        route = self.route
        if not self.watch.parts:
            several = self.attempts > 1 and outcome.error_code and not self.watch.stop_reason
            message = self._nobody_answered() if several else outcome.error_message
            return replace(outcome, model_used_slug="", error_message=message)
        if route is None or not route.is_fallback:
            return outcome
        words = (
            _("Answered by %(other)s, because %(asked)s did not answer.")
            if self.own_was_asked
            else _("Answered by %(other)s, because %(asked)s was out of reach.")
        )
        note = words % {"other": route.model_name, "asked": self.plan.model_name}
        return replace(outcome, fallback_price=route.price, notes=[note, *outcome.notes])

    def _nobody_answered(self) -> str:
        if self.run.allow_fallback:
            return _(
                "Neither this model nor those that may stand in for it answered."
                " Not charged. Try again in a minute."
            )
        return _(
            "None of the providers of this model answered. Not charged."
            " Try again in a minute, or choose another model."
        )


def _call(route: PlannedRoute, messages: tuple[Message, ...]) -> tuple[Endpoint, ChatRequest]:
    target = route.target
    endpoint = Endpoint(
        base_url=target.base_url,
        api_key=target.api_key,
        proxy_url=target.proxy_url,
        headers=target.headers,
        connect_timeout_seconds=settings.PROVIDER_CONNECT_TIMEOUT_SECONDS,
        # The watch keeps the deadlines; this one is only met if the watch is late itself.
        read_timeout_seconds=settings.RUN_FIRST_TOKEN_TIMEOUT_SECONDS + 10,
    )
    request = ChatRequest(
        model=target.provider_model_id,
        messages=messages,
        max_output_tokens=route.max_output_tokens,
        options=target.request_options,
    )
    return endpoint, request
