"""The frame of every page, and small pieces: money, dates, buttons. No script, no other host."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from starlette.responses import HTMLResponse

from emulators.stripe.pages.words import Language

_CSS: Final = (Path(__file__).parent / "pages.css").read_text()
_SIGNS: Final = {"usd": "$", "eur": "€", "gbp": "£", "cny": "¥"}
_WITHOUT_CENTS: Final = frozenset(("jpy", "krw", "vnd", "clp"))
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def html_page(language: Language, title: str, body: str, *, status: int = 200) -> HTMLResponse:
    """A whole page. body: HTML; title: text."""
    return HTMLResponse(
        f'<!doctype html><html lang="{language.html_code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head><body>"
        f'<header class="notice">{escape(language.say("notice"))}</header>'
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>",
        status,
        _HEADERS,
    )


def not_found(language: Language) -> HTMLResponse:
    """The page for what is not there."""
    return html_page(language, "404", f"<p>{escape(language.say('missing'))}</p>", status=404)


def alert(text: str) -> str:
    """Something that went wrong; nothing where the text is empty."""
    return f'<p class="alert" role="alert">{escape(text)}</p>' if text else ""


def info(text: str) -> str:
    """Something to know."""
    return f'<p class="info" role="status">{escape(text)}</p>' if text else ""


def money(amount: int, currency: str) -> str:
    """Minor units as people write them."""
    number = f"{amount:,}" if currency in _WITHOUT_CENTS else f"{amount / 100:,.2f}"
    sign = _SIGNS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency.upper()}"


def date(moment: int) -> str:
    """A day in UTC, as 2026-11-22."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def card_choice(language: Language, number: str, name: str, *, chosen: bool = False) -> str:
    """A radio button for one test card, or for the bank debit."""
    digits = f"•••• {number[-4:]}" if number.isdigit() else ""
    return (
        f'<label class="choice"><input type="radio" name="card" value="{number}" required'
        f"{' checked' if chosen else ''}> <span>{escape(language.say(name))}</span>"
        f"<small>{digits}</small></label>"
    )


def button(label: str, *, name: str = "", value: str = "", quiet: bool = False) -> str:
    """A submit button."""
    named = f' name="{name}" value="{escape(value)}"' if name else ""
    return f'<button type="submit" class="{"quiet" if quiet else "main"}"{named}>' + (
        f"{escape(label)}</button>"
    )
