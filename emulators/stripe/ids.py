"""Identifiers that look like Stripe's: the prefix tells the kind, the rest is random."""

from __future__ import annotations

import secrets
import string
from typing import Final

_ALPHABET: Final = string.ascii_letters + string.digits

# How long the random part is where it is not the usual 24.
_LENGTHS: Final = {"cus": 14, "prod": 14, "si": 14, "bps": 24, "cs_test": 58}


def new_id(prefix: str) -> str:
    """A new identifier such as `cus_NffrFeUfNV2Hib`."""
    return f"{prefix}_{random_letters(_LENGTHS.get(prefix, 24))}"


def random_letters(length: int) -> str:
    """Letters and digits that nobody can guess."""
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in secrets.token_bytes(length))
