"""What people see: checkout, portal, invoices, receipts."""

from __future__ import annotations

from starlette.routing import Route

from emulators.stripe.pages.checkout import CheckoutPage
from emulators.stripe.pages.papers import Papers
from emulators.stripe.pages.portal import PortalPage
from emulators.stripe.world import World


def page_routes(world: World) -> list[Route]:
    """Routes of the pages, bound to one world."""
    checkout, portal, papers = CheckoutPage(world), PortalPage(world), Papers(world)
    return [
        Route("/c/pay/{id}", checkout.show, methods=["GET"]),
        Route("/c/pay/{id}", checkout.act, methods=["POST"]),
        Route("/p/session/{id}", portal.show, methods=["GET"]),
        Route("/p/session/{id}", portal.act, methods=["POST"]),
        Route("/invoices/{id}", papers.invoice),
        Route("/invoices/{id}/pdf", papers.pdf),
        Route("/receipts/{id}", papers.receipt),
    ]
