"""Whether a passkey's answer has the form of one."""

from __future__ import annotations

import json
from typing import Any

from fido2.webauthn import AuthenticationResponse, RegistrationResponse


def is_credential(value: Any) -> bool:
    """True for what `navigator.credentials` gives. Says nothing about whether it is genuine.

    allauth hands the answer to fido2, whose parser raises half a dozen kinds of error on odd
    input (missing keys, broken CBOR), of which allauth catches two.
    """
    try:
        if isinstance(value, str):
            value = json.loads(value)
        kind = (
            RegistrationResponse
            if "attestationObject" in value["response"]
            else AuthenticationResponse
        )
        kind.from_dict(value)
    except Exception:  # noqa: BLE001 - whatever it raises, it is not a credential
        return False
    return True
