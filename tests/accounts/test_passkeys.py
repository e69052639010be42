"""A passkey made and used in Chromium, with the browser's own virtual authenticator."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.models import User
from tests.accounts.conftest import PASSWORD

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.mark.django_db(transaction=True)
def test_a_passkey_is_added_and_signs_in_without_a_password(page, request, settings):
    # Only now, so that the server starts with the settings of these tests.
    live_server = request.getfixturevalue("live_server")
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    alice = User.objects.create_user("alice@example.com", PASSWORD)
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    # A passkey belongs to a domain, never to an address of numbers.
    url = live_server.url.replace("127.0.0.1", "localhost")
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    page.goto(f"{url}/accounts/login/")
    page.fill("[name=login]", alice.email)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/dashboard/")
    page.goto(f"{url}/accounts/2fa/webauthn/add/")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.check("[name=passwordless]")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(lambda address: "/webauthn/add/" not in address)
    assert Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).count() == 1

    page.context.clear_cookies()
    page.goto(f"{url}/accounts/login/")
    page.click("#passkey_login")
    page.wait_for_url("**/dashboard/")
    assert alice.email in page.content()
