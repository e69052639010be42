"""Links into Stripe's dashboard, for staff."""

from __future__ import annotations

from django.conf import settings
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

NOTHING = "–"
# Where an object of Stripe's is seen in its dashboard, by the beginning of its id.
_DASHBOARD = {
    "cus_": "customers/",
    "sub_": "subscriptions/",
    "in_": "invoices/",
    "pi_": "payments/",
    "ch_": "payments/",
    "py_": "payments/",
    "prod_": "products/",
    "price_": "prices/",
}


def stripe_link(*ids: str | None) -> SafeString | str:
    """Each id as a link to Stripe's dashboard, where there is one."""
    links = [(stripe_url(one), one) for one in ids if one]
    html = '<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>'
    return format_html_join(" ", html, links) if links else NOTHING


def stripe_url(stripe_id: str) -> str:
    """The object in Stripe's dashboard; a search for what has no page of its own."""
    mode = "" if settings.STRIPE_LIVE_MODE else "test/"
    prefix = stripe_id.split("_", 1)[0] + "_"
    place = _DASHBOARD.get(prefix, "search?query=")
    return f"https://dashboard.stripe.com/{mode}{place}{stripe_id}"
