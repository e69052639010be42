"""What people see: checkout, portal, invoices, receipts."""

from __future__ import annotations

from starlette.routing import Route

from emulators.stripe.pages.checkout import CheckoutPage
from emulators.stripe.world import World


def page_routes(world: World) -> list[Route]:
    """Routes of the pages, bound to one world."""
    checkout = CheckoutPage(world)
    return [
        Route("/c/pay/{id}", checkout.show, methods=["GET"]),
        Route("/c/pay/{id}", checkout.act, methods=["POST"]),
    ]
