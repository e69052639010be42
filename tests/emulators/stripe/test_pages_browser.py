"""The pages in Chromium: axe finds nothing, nothing is wider than a phone, keys are enough."""

from __future__ import annotations

from typing import Any

import pytest

from tests.axe import violations
from tests.emulators.stripe.shop import Shop

pytestmark = pytest.mark.browser

WIDTHS = ((1280, 800), (360, 740))


def complaints(page: Any) -> list[str]:
    """axe's findings, one line each."""
    return [
        f"{one['id']}: {', '.join(node['html'] for node in one['nodes'])}"
        for one in violations(page, rules=None)
    ]


def pages_of(shop: Shop) -> list[str]:
    """Every page there is, with something on it."""
    charge = shop.bought()
    shop.subscribed(card="4000000000000341")
    shop.emulated.advance(days=32)
    portal = shop.client.v1.billing_portal.sessions.create(
        {"customer": shop.customer.id, "return_url": shop.emulated.url}
    )
    done = shop.session()
    shop.emulated.pay(done.id)
    return [
        str(shop.session("subscription").url),
        str(done.url),
        portal.url,
        str(shop.invoices()[0].hosted_invoice_url),
        str(charge.receipt_url),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_too_wide(shop: Shop, page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for url in pages_of(shop):
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(url)
            assert complaints(page) == [], url
            wide = "document.documentElement.scrollWidth <= window.innerWidth"
            assert page.evaluate(wide), (url, width)


def test_the_checkout_is_paid_with_the_keyboard(shop: Shop, page: Any) -> None:
    session = shop.session(success_url=f"{shop.emulated.url}/healthz?id={{CHECKOUT_SESSION_ID}}")
    page.goto(session.url)
    for key in ("Tab", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(f"**/healthz?id={session.id}")
    assert shop.read(session.id).payment_status == "paid"
