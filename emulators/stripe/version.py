"""The one API version that the emulator speaks; requests and webhook endpoints are held to it."""

from __future__ import annotations

from typing import Final

API_VERSION: Final = "2026-08-26.dahlia"


def is_spoken(version: str) -> bool:
    """Within a major release every version has the same shapes: https://docs.stripe.com/api/versioning"""
    return version.partition(".")[2] == API_VERSION.partition(".")[2]
