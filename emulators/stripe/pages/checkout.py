"""The hosted checkout page."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from emulators.stripe import sessions
from emulators.stripe.errors import StripeError
from emulators.stripe.wire import forms
from emulators.stripe.world import World


class CheckoutPage:
    def __init__(self, world: World) -> None:
        self._world = world

    async def show(self, request: Request) -> Response:
        return self._page(request.path_params["id"])

    async def act(self, request: Request) -> Response:
        sent = forms.decode((await request.body()).decode("utf-8", "replace"))
        session_id = request.path_params["id"]
        with self._world.lock:
            try:
                session = self._world.store.get("checkout.session", session_id)
                if "back" in sent:
                    return RedirectResponse(session["cancel_url"] or "/", 303)
                outcome = sessions.session_pay(
                    self._world, session, number=str(sent.get("card", "")).replace(" ", "")
                )
            except StripeError as error:
                return self._page(session_id, str(error), 422)
            finally:
                self._world.store.commit()
        if outcome == "failed":
            return self._page(session_id, "Your card was declined.", 402)
        target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
        return RedirectResponse(target, 303)

    def _page(self, session_id: str, problem: str = "", status: int = 200) -> Response:
        session = self._world.store.find(session_id) or {}
        return HTMLResponse(
            f"<p>{escape(problem)}<form method=post><p>{session.get('status')}"
            "<button name=card value=4242424242424242>Pay</button>"
            "<button name=card value=4000000000000002>Declined</button>"
            "<button name=card value=delayed>Later</button>"
            "<button name=back value=1>Back</button></form>",
            status,
        )
