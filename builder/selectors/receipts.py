"""Receipts: what each piece of work cost, one by one, for the person who paid it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from billing.models import Hold, Movement
from billing.services.holds import PocketCharge
from builder.models import Attempt, Run
from builder.selectors.usage import UsageScope, narrowed, with_own_run
from config.errors import NotFound

RECEIPTS_A_PIECE = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """One hold and what came of it.

    run: None for what staff or a script held by hand. at: when it was charged or given back, or
    when it began while it is not. charged: tokens, None while it is running. pockets: its parts
    in spending order.
    """

    run: Run | None
    at: datetime
    charged: int | None
    pockets: tuple[PocketCharge, ...]

    @property
    def priced(self) -> Run | Attempt | None:
        """What carries the price that was charged: the run as it was quoted, or the attempt of a
        fallback that was cheaper. Reads the attempts."""
        if self.run is None:
            return None
        priced = [attempt for attempt in self.run.attempts.all() if attempt.token_cost is not None]
        return priced[0] if priced else self.run


def receipts_of(scope: UsageScope) -> QuerySet[Hold]:
    """The holds behind a range's receipts, the latest first: what they were charged is, in sum,
    what the range was. Without their runs, which `receipts_shown` reads for those that are shown.
    """
    holds = Hold.objects.filter(user_id=scope.user_id)
    if scope.model or scope.site_id:
        holds = narrowed(with_own_run(holds, scope), scope)
    dated = holds.annotate(at=Coalesce("resolved_at", "created_at"))
    within = dated.filter(at__gte=scope.days.start, at__lt=scope.days.end)
    return within.order_by("-at", "-pk")


def receipts_shown(holds: Iterable[Hold]) -> list[Receipt]:
    """The receipts of some holds: their runs, and what each was paid from, in a query each."""
    shown = list(holds)
    ids = [hold.pk for hold in shown]
    made = Run.objects.filter(hold_id__in=ids).select_related("site", "version")
    runs = {run.hold_id: run for run in made}
    paid = pockets_of(ids)
    return [
        Receipt(
            run=runs.get(hold.pk),
            at=hold.resolved_at or hold.created_at,
            charged=_charged(hold),
            pockets=paid.get(hold.pk, ()),
        )
        for hold in shown
    ]


def receipts_streamed(scope: UsageScope) -> Iterator[Receipt]:
    """All receipts of a range, the latest first, a piece at a time in memory."""
    holds = receipts_of(scope).iterator(chunk_size=RECEIPTS_A_PIECE)
    while piece := list(islice(holds, RECEIPTS_A_PIECE)):
        yield from receipts_shown(piece)


def receipt_get(*, user: User, run_id: UUID) -> Receipt:
    """The receipt of the person's run, also of a deleted site, with attempts. Raises NotFound."""
    attempts = Prefetch("attempts", Attempt.objects.order_by("number"))
    runs = Run.objects.select_related("site", "version", "hold").prefetch_related(attempts)
    run = runs.filter(pk=run_id, owner=user).first()
    if run is None:
        raise NotFound(_("There is no such run."))
    hold = run.hold
    return Receipt(
        run=run,
        at=hold.resolved_at or hold.created_at,
        charged=_charged(hold),
        pockets=pockets_of([hold.pk]).get(hold.pk, ()),
    )


def pockets_of(hold_ids: Iterable[int]) -> dict[int, tuple[PocketCharge, ...]]:
    """Hold → what was spent of it by pocket, in spending order (that of its movements)."""
    spent = Movement.objects.filter(hold_id__in=list(hold_ids), to_state=Movement.State.SPENT)
    sums: dict[int, dict[str, int]] = {}
    steps = spent.order_by("pk").values_list("hold_id", "grant__kind", "amount")
    for hold_id, kind, amount in steps:
        by_kind = sums.setdefault(hold_id or 0, {})
        by_kind[kind] = by_kind.get(kind, 0) + amount
    return {
        hold_id: tuple(PocketCharge(kind, amount) for kind, amount in by_kind.items())
        for hold_id, by_kind in sums.items()
    }


def _charged(hold: Hold) -> int | None:
    return None if hold.state == Hold.State.OPEN else hold.settled_amount or 0
