"""What a person ordered, and what became of it."""

from __future__ import annotations

from uuid import UUID

from ninja import Router

from accounts.api_schema import ApiSchema
from accounts.http import AuthenticatedHttpRequest
from billing.api.schema import OrderOut, order_out
from billing.sales_selectors import order_get, orders_of
from billing.services.order_watch import order_refresh

router = Router(tags=["orders"], by_alias=True)
ORDERS_LISTED = 100


class OrderEnvelope(ApiSchema):
    order: OrderOut


class OrderList(ApiSchema):
    orders: list[OrderOut]


@router.get("/orders", response=OrderList, summary="Your orders")
def list_orders(request: AuthenticatedHttpRequest) -> OrderList:
    """The latest 100, newest first."""
    return OrderList(orders=[order_out(row) for row in orders_of(request.user)[:ORDERS_LISTED]])


@router.get("/orders/{uuid:order_id}", response=OrderEnvelope, summary="One order")
def get_order(request: AuthenticatedHttpRequest, order_id: UUID) -> OrderEnvelope:
    """An unfinished one is looked up at the payment provider, every few seconds at most."""
    order = order_get(user=request.user, order_id=order_id)
    return OrderEnvelope(order=order_out(order_refresh(order=order).order))
