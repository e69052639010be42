"""The pages over plain HTTP: checkout, portal, invoices, receipts, two languages."""

from __future__ import annotations

import re

import pytest
import requests
import stripe

from emulators.stripe.pages.words import WORDS
from tests.emulators.stripe.shop import CANCEL_URL, Shop

GOOD, BAD = "4242424242424242", "4000000000000002"


def opened(url: str, language: str = "en") -> requests.Response:
    return requests.get(url, headers={"Accept-Language": language}, timeout=30)


def sent(url: str, **fields: str) -> requests.Response:
    return requests.post(url, data=fields, allow_redirects=False, timeout=30)


def url_of(session: stripe.checkout.Session) -> str:
    assert session.url is not None
    return session.url


def test_the_checkout_shows_what_is_bought_and_says_that_it_is_a_test(shop: Shop) -> None:
    page = opened(url_of(shop.session())).text
    assert "$5.00" in page
    assert "200,000 tokens" in page
    assert "Test shop: no real money" in page
    assert f'href="{CANCEL_URL}"' in page
    assert "<script" not in page


def test_paying_leads_to_the_success_url_with_the_sessions_id(shop: Shop) -> None:
    session = shop.session()
    answer = sent(url_of(session), card=GOOD)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://localhost:8000/paid/?session={session.id}"
    assert shop.read(session.id).payment_status == "paid"
    again = opened(url_of(session))
    assert again.status_code == 200
    assert "already" in again.text


def test_a_declined_card_is_told_and_another_works(shop: Shop) -> None:
    session = shop.session()
    answer = sent(url_of(session), card=BAD)
    assert answer.status_code == 402
    assert "Your card was declined." in answer.text
    assert sent(url_of(session), card=GOOD).status_code == 303


def test_paying_later_completes_unpaid(shop: Shop) -> None:
    session = shop.session()
    assert sent(url_of(session), card="delayed").status_code == 303
    assert (shop.read(session.id).status, shop.read(session.id).payment_status) == (
        "complete",
        "unpaid",
    )


def test_a_guest_is_asked_for_an_address(shop: Shop) -> None:
    session = shop.client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price": shop.package.id, "quantity": 2}],
            "success_url": "http://localhost:8000/",
        }
    )
    page = opened(url_of(session)).text
    assert 'type="email"' in page
    assert "2 × 200,000 tokens" in page
    assert "$10.00" in page
    sent(url_of(session), card=GOOD, email="bob@example.com")
    details = shop.read(session.id).customer_details
    assert details is not None
    assert details.email == "bob@example.com"


@pytest.mark.parametrize("card", ["", "4111", "4242 4242"])
def test_a_card_that_is_none_is_a_clear_error(shop: Shop, card: str) -> None:
    session = shop.session()
    answer = sent(url_of(session), card=card)
    assert answer.status_code == 422
    assert "not one of the test cards" in answer.text
    assert shop.read(session.id).status == "open"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "测试商店"),
        ("en-GB,en;q=0.9,zh;q=0.1", "Test shop"),
        ("fr", "Test shop"),
        ("zh;q=x", "Test shop"),
    ],
)
def test_the_browsers_language_is_spoken(shop: Shop, language: str, words: str) -> None:
    assert words in opened(url_of(shop.session()), language).text


def test_the_sessions_language_wins(shop: Shop) -> None:
    assert "测试商店" in opened(url_of(shop.session(locale="zh")), "en").text


def test_both_languages_have_every_word() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh"])
    for name, text in WORDS["en"].items():
        assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", WORDS["zh"][name])


def test_names_from_the_shop_are_text(shop: Shop) -> None:
    shop.client.v1.products.update(shop.product.id, {"name": "<b>&"})
    assert "&lt;b&gt;&amp;" in opened(url_of(shop.session())).text


def test_what_is_not_there_is_404(shop: Shop) -> None:
    for path in ("c/pay/cs_none", "p/session/bps_none", "invoices/in_none", "receipts/ch_none"):
        answer = opened(f"{shop.emulated.url}/{path}")
        assert answer.status_code == 404
        assert "no such page" in answer.text


def portal_of(shop: Shop) -> str:
    made = shop.client.v1.billing_portal.sessions.create(
        {"customer": shop.customer.id, "return_url": "http://localhost:8000/billing/"}
    )
    return made.url


def test_the_portal_cancels_as_flexible_billing_does_and_keeps(shop: Shop) -> None:
    started = shop.subscribed()
    portal = portal_of(shop)
    page = opened(portal).text
    assert "Renews on" in page
    assert "Visa •••• 4242" in page
    assert 'href="http://localhost:8000/billing/"' in page
    assert sent(portal, plan="cancel").status_code == 303
    cancelling = shop.subscription(started.id)
    assert cancelling.cancel_at == started["items"].data[0].current_period_end
    assert cancelling.cancel_at_period_end is False
    assert "Ends on" in opened(portal).text
    sent(portal, plan="keep")
    assert shop.subscription(started.id).cancel_at is None
    sent(portal, plan="cancel")
    shop.emulated.advance(days=32)
    assert shop.subscription(started.id).status == "canceled"
    assert "Ended on" in opened(portal).text


def test_the_portal_changes_the_card_and_pays_what_is_open(shop: Shop) -> None:
    started = shop.subscribed(card="4000000000000341")
    shop.emulated.advance(days=32)
    assert shop.subscription(started.id).status == "past_due"
    portal = portal_of(shop)
    open_invoice = shop.invoices()[1]
    assert "Your card was declined." in sent(portal, pay=str(open_invoice.id)).text
    assert sent(portal, card="5555555555554444").status_code == 303
    assert sent(portal, pay=str(open_invoice.id)).status_code == 303
    assert shop.subscription(started.id).status == "active"
    assert "Mastercard •••• 4444" in opened(portal).text


def test_nobody_pays_or_sees_the_invoices_of_another(shop: Shop) -> None:
    shop.subscribed()
    other = shop.client.v1.customers.create({"email": "mallory@example.com"})
    portal = shop.client.v1.billing_portal.sessions.create({"customer": other.id}).url
    number = str(shop.invoices()[0].number)
    assert number not in opened(portal).text
    answer = sent(portal, pay=str(shop.invoices()[0].id))
    assert answer.status_code == 422
    assert "You have no plan." in answer.text


def test_invoices_and_receipts_are_pages_and_invoices_are_pdf(shop: Shop) -> None:
    shop.subscribed()
    (invoice,) = shop.invoices()
    page = opened(str(invoice.hosted_invoice_url)).text
    assert str(invoice.number) in page
    assert "$10.00" in page
    pdf = opened(str(invoice.invoice_pdf))
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-1.4")
    place = int(pdf.content.rsplit(b"startxref\n", 1)[1].split()[0])
    assert pdf.content[place:].startswith(b"xref")
    assert f"Invoice {invoice.number}".encode() in pdf.content
    charge = shop.bought()
    shop.emulated.refund(charge.id, 200)
    receipt = opened(str(charge.receipt_url)).text
    assert "$5.00" in receipt
    assert "$2.00" in receipt
