"""The states of an order, and the only function that changes one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from billing.models import Order

_S = Order.State
# Where each state may be come from. Money that came in wins over everything that was said before;
# paid and rejected are for ever.
_COME_FROM: Final = {
    _S.OPEN: (_S.CREATED,),
    _S.PROCESSING: (_S.CREATED, _S.OPEN),
    _S.PAID: (_S.CREATED, _S.OPEN, _S.PROCESSING, _S.FAILED, _S.EXPIRED),
    _S.FAILED: (_S.CREATED, _S.OPEN, _S.PROCESSING),
    _S.EXPIRED: (_S.CREATED, _S.OPEN),
    _S.REJECTED: (_S.CREATED, _S.OPEN, _S.PROCESSING, _S.FAILED, _S.EXPIRED),
}


def order_move(*, order: Order, to: Order.State, now: datetime, **facts: Any) -> bool:
    """Bring the order into a state, with further facts of its row, if its present state allows it.

    Compare-and-set on the row: of two at once one moves it. True if this call did. The instance is
    read anew either way.
    """
    moved = Order.objects.filter(pk=order.pk, state__in=_COME_FROM[to]).update(
        state=to, updated_at=now, **facts
    )
    order.refresh_from_db()
    return bool(moved)
