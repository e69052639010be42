"""The hosted checkout page: what is bought, and how the payment shall go."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from emulators.stripe import sessions
from emulators.stripe.errors import StripeError
from emulators.stripe.pages import layout
from emulators.stripe.pages.words import Language, language_of
from emulators.stripe.store import Object
from emulators.stripe.wire import forms
from emulators.stripe.world import World


class CheckoutPage:
    """GET shows an open session, POST pays it."""

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
                card, email = str(sent.get("card", "")), str(sent.get("email", ""))
                outcome = sessions.session_pay(
                    self._world, session, number=card.replace(" ", ""), email=email
                )
            except StripeError as error:
                return self._page(request, session, str(error), status=422)
            finally:
                self._world.store.commit()
            if outcome == "failed":
                return self._page(request, session, self._decline(session), status=402)
        target = str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
        return RedirectResponse(target, 303)

    def _session(self, request: Request) -> Object | None:
        found = self._world.store.find(request.path_params["id"])
        return found if found and found["object"] == "checkout.session" else None

    def _decline(self, session: Object) -> str:
        intent = self._world.store.get(
            "payment_intent", self._world.store.note(session["id"])["intent"]
        )
        return str(intent["last_payment_error"]["message"])

    def _page(
        self, request: Request, session: Object, problem: str = "", *, status: int = 200
    ) -> Response:
        language = language_of(request, locale=session["locale"])
        subscribing = session["mode"] == "subscription"
        title = language.say("subscribe_title" if subscribing else "pay_title")
        if session["status"] != "open":
            return layout.html_page(language, title, _closed(language, session))
        body = (
            f'<div class="columns"><section>{self._summary(language, session)}</section>'
            f"<section>{layout.alert(language.decline(problem))}{_form(language, session)}"
            f"{_way_back(language, session['cancel_url'])}</section></div>"
        )
        return layout.html_page(language, title, body, status=status)

    def _summary(self, language: Language, session: Object) -> str:
        rows = []
        for line in self._world.store.note(session["id"])["lines"]:
            recurring = line["price"]["recurring"]
            often = language.say(recurring["interval"] if recurring else "once")
            count = f"{line['quantity']} × " if line["quantity"] > 1 else ""
            amount = layout.money(line["amount_total"], line["currency"])
            rows.append(
                f'<div class="row"><span>{count}{escape(line["description"])}<br>'
                f"<small>{escape(often)}</small></span><b>{amount}</b></div>"
            )
        total = layout.money(session["amount_total"], session["currency"])
        return (
            f'<p class="soft">{escape(language.say("total"))}</p><p class="big">{total}</p>'
            + "".join(rows)
        )


def _form(language: Language, session: Object) -> str:
    subscribing = session["mode"] == "subscription"
    amount = layout.money(session["amount_total"], session["currency"])
    choices = [
        layout.card_choice(language, "4242424242424242", "works", chosen=True),
        layout.card_choice(language, "4000000000000002", "declined"),
        layout.card_choice(language, "delayed", "delayed"),
    ]
    more = [
        layout.card_choice(language, "4000000000009995", "no_funds"),
        layout.card_choice(language, "4000000000000069", "expired_card"),
        layout.card_choice(language, "4000000000000259", "disputed"),
    ]
    if subscribing:
        more.append(layout.card_choice(language, "4000000000000341", "renewal_fails"))
    label = language.say("subscribe" if subscribing else "pay", amount=amount)
    return (
        f'<form method="post" class="pay">{_email_field(language, session)}'
        f"<fieldset><legend>{escape(language.say('how'))}</legend>{''.join(choices)}"
        f"<details><summary>{escape(language.say('more'))}</summary>{''.join(more)}</details>"
        f"</fieldset>{layout.button(label)}</form>"
    )


def _email_field(language: Language, session: Object) -> str:
    if session["customer"] or session["customer_email"]:
        return ""
    return (
        f'<label class="field"><span>{escape(language.say("email"))}</span>'
        '<input type="email" name="email" autocomplete="email" required></label>'
    )


def _closed(language: Language, session: Object) -> str:
    url = session["cancel_url"]
    if session["status"] == "complete":
        url = str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
    return f"<p>{escape(language.say(session['status']))}</p>{_way_back(language, url)}"


def _way_back(language: Language, url: str | None) -> str:
    if not url:
        return ""
    return f'<p><a href="{escape(url)}" id="back">{escape(language.say("back"))}</a></p>'
