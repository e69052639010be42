"""The customer portal: the plan, the card, the invoices."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from emulators.stripe import invoices, payments, subscriptions
from emulators.stripe.errors import InvalidRequest, StripeError
from emulators.stripe.pages import layout
from emulators.stripe.pages.words import Language, language_of
from emulators.stripe.store import Object
from emulators.stripe.wire import forms
from emulators.stripe.world import World


class PortalPage:
    """GET shows everything of one customer, POST changes it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def show(self, request: Request) -> Response:
        with self._world.lock:
            session = self._session(request)
            if session is None:
                return layout.not_found(language_of(request))
            return self._page(request, session)

    async def act(self, request: Request) -> Response:
        sent = forms.decode((await request.body()).decode("utf-8", "replace"))
        with self._world.lock:
            session = self._session(request)
            if session is None:
                return layout.not_found(language_of(request))
            try:
                problem = self._do(session, {name: str(value) for name, value in sent.items()})
            except StripeError as error:
                problem = str(error)
            finally:
                self._world.store.commit()
            if problem:
                return self._page(request, session, problem, status=422)
        return RedirectResponse(request.url.path + "?done=1", 303)

    def _do(self, session: Object, sent: dict[str, str]) -> str:
        """Returns what went wrong, or nothing."""
        if "card" in sent:
            self._change_card(session["customer"], sent["card"])
        elif "pay" in sent:
            return self._pay(session["customer"], sent["pay"])
        elif sent.get("plan") in ("cancel", "keep"):
            subscription = self._subscription(session["customer"])
            if subscription is None:
                raise InvalidRequest("There is no plan.")
            if sent["plan"] == "cancel":
                subscriptions.subscription_cancel_later(self._world, subscription, portal=True)
            else:
                subscriptions.subscription_keep(self._world, subscription)
        return ""

    def _change_card(self, customer_id: str, number: str) -> None:
        world = self._world
        customer = world.store.get("customer", customer_id)
        method = payments.method_create(
            world, number=number, customer_id=customer_id, email=customer["email"]
        )
        settings = {**customer["invoice_settings"], "default_payment_method": method["id"]}
        world.change(customer, "customer.updated", invoice_settings=settings)
        subscription = self._subscription(customer_id)
        if subscription is not None:
            world.change(
                subscription, "customer.subscription.updated", default_payment_method=method["id"]
            )

    def _pay(self, customer_id: str, invoice_id: str) -> str:
        invoice = self._world.store.get("invoice", invoice_id)
        if invoice["customer"] != customer_id:
            raise InvalidRequest("There is no such invoice.")
        if invoices.invoice_collect(self._world, invoice, renewal=True) != "failed":
            return ""
        intent_id = self._world.store.note(invoice_id)["intent"]
        intent = self._world.store.get("payment_intent", intent_id)
        error = intent["last_payment_error"]
        return str(error["message"] if error else "There is no card.")

    def _session(self, request: Request) -> Object | None:
        found = self._world.store.find(request.path_params["id"])
        return found if found and found["object"] == "billing_portal.session" else None

    def _subscription(self, customer_id: str) -> Object | None:
        """The newest that has not ended."""
        rows = [row for row in self._of("subscription", customer_id) if _lives(row)]
        return rows[-1] if rows else None

    def _of(self, kind: str, customer_id: str) -> list[Object]:
        return [row for row in self._world.store.all(kind) if row["customer"] == customer_id]

    def _page(
        self, request: Request, session: Object, problem: str = "", *, status: int = 200
    ) -> Response:
        language = language_of(request, locale=session["locale"])
        customer = self._world.store.get("customer", session["customer"])
        done = language.say("saved") if "done" in request.query_params else ""
        body = (
            f'<p class="soft">{escape(customer["email"] or customer["id"])}</p>'
            f"{layout.alert(language.decline(problem))}{layout.info('' if problem else done)}"
            f"<h2>{escape(language.say('plan'))}</h2>{self._plan(language, customer)}"
            f"<h2>{escape(language.say('card'))}</h2>{self._card(language, customer)}"
            f"<h2>{escape(language.say('invoices'))}</h2>{self._invoices(language, customer)}"
        )
        if session["return_url"]:
            body += (
                f'<p><a href="{escape(session["return_url"])}" id="back">'
                f"{escape(language.say('back'))}</a></p>"
            )
        return layout.html_page(language, language.say("portal"), body, status=status)

    def _plan(self, language: Language, customer: Object) -> str:
        rows = self._of("subscription", customer["id"])
        subscription = self._subscription(customer["id"]) or (rows[-1] if rows else None)
        if subscription is None:
            return f"<p>{escape(language.say('no_plan'))}</p>"
        item = subscription["items"]["data"][0]
        product = self._world.store.get("product", item["price"]["product"])
        amount = layout.money(item["price"]["unit_amount"], item["price"]["currency"])
        often = language.say(item["price"]["recurring"]["interval"])
        owing = language.say("owing") if subscription["status"] in ("past_due", "unpaid") else ""
        return (
            f'<div class="row"><span>{escape(product["name"])}<br><small>'
            f"{escape(_when(language, subscription))}</small></span>"
            f"<span><b>{amount}</b> {escape(often)}<br>"
            f"{escape(language.say(subscription['status']))}</span></div>"
            f"{layout.alert(owing)}{_plan_button(language, subscription)}"
        )

    def _card(self, language: Language, customer: Object) -> str:
        subscription = self._subscription(customer["id"]) or {}
        method = self._world.store.find(
            subscription.get("default_payment_method")
            or customer["invoice_settings"]["default_payment_method"]
        )
        choices = "".join(
            layout.card_choice(language, number, name)
            for number, name in (
                ("4242424242424242", "works"),
                ("5555555555554444", "works"),
                ("4000000000000341", "renewal_fails"),
            )
        )
        button = layout.button(language.say("change_card"), quiet=True)
        return (
            f"<p>{escape(_card_words(language, method))}</p>"
            f"<details><summary>{escape(language.say('other_card'))}</summary>"
            f'<form method="post"><fieldset>{choices}</fieldset>{button}</form></details>'
        )

    def _invoices(self, language: Language, customer: Object) -> str:
        rows = [row for row in self._of("invoice", customer["id"]) if row["number"]]
        if not rows:
            return f"<p>{escape(language.say('no_invoices'))}</p>"
        heads = "".join(
            f'<th scope="col">{escape(language.say(name))}</th>'
            for name in ("date", "number", "amount", "status")
        )
        lines = "".join(_invoice_row(language, row) for row in reversed(rows))
        return (
            f'<div class="scroll" tabindex="0"><table><thead><tr>{heads}</tr></thead>'
            f"<tbody>{lines}</tbody></table></div>"
        )


def _lives(subscription: Object) -> bool:
    return subscription["status"] not in ("canceled", "incomplete_expired", "incomplete")


def _when(language: Language, subscription: Object) -> str:
    if subscription["ended_at"]:
        return language.say("over", date=layout.date(subscription["ended_at"]))
    name = "ends" if subscription["cancel_at"] else "renews"
    return language.say(name, date=layout.date(subscriptions.period_end(subscription)))


def _plan_button(language: Language, subscription: Object) -> str:
    if not _lives(subscription):
        return ""
    verb = "keep" if subscription["cancel_at"] else "cancel"
    label = language.say(verb)
    button = layout.button(label, name="plan", value=verb, quiet=verb == "cancel")
    return f'<p></p><form method="post">{button}</form>'


def _card_words(language: Language, method: Object | None) -> str:
    if method is None:
        return language.say("no_card")
    if method["type"] != "card":
        bank = method["us_bank_account"]
        return f"{bank['bank_name']} •••• {bank['last4']}"
    card = method["card"]
    expires = language.say("expires", date=f"{card['exp_month']:02}/{card['exp_year']}")
    return f"{card['brand'].title()} •••• {card['last4']}, {expires}"


def _invoice_row(language: Language, invoice: Object) -> str:
    pay = ""
    if invoice["status"] == "open":
        label = language.say("pay_now")
        pay = layout.button(label, name="pay", value=invoice["id"], quiet=True)
        pay = f' <form method="post">{pay}</form>'
    url, number = escape(invoice["hosted_invoice_url"]), escape(invoice["number"])
    return (
        f"<tr><td>{layout.date(invoice['created'])}</td>"
        f'<td><a href="{url}">{number}</a></td>'
        f"<td>{layout.money(invoice['total'], invoice['currency'])}</td>"
        f"<td>{escape(language.say(invoice['status']))}{pay}</td></tr>"
    )
