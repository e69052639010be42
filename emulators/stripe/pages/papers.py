"""Invoices and receipts as pages, and invoices as PDF."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import Response

from emulators.stripe.pages import layout
from emulators.stripe.pages.words import Language, language_of
from emulators.stripe.store import Object
from emulators.stripe.world import World


class Papers:
    """What can be printed."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def invoice(self, request: Request) -> Response:
        invoice = self._find(request, "invoice")
        language = language_of(request)
        if invoice is None:
            return layout.not_found(language)
        title = f"{language.say('invoice')} {invoice['number'] or ''}".strip()
        body = _rows(_invoice_facts(language, invoice))
        body += f"<h2>{escape(language.say('amount'))}</h2>" + _rows(_lines(invoice))
        if invoice["number"]:
            body += (
                f'<p><a href="{escape(request.url.path)}/pdf">{escape(language.say("pdf"))}</a></p>'
            )
        return layout.html_page(language, title, body)

    async def pdf(self, request: Request) -> Response:
        invoice = self._find(request, "invoice")
        if invoice is None or not invoice["number"]:
            return layout.not_found(language_of(request))
        english = Language("en")
        facts = [*_invoice_facts(english, invoice), *_lines(invoice)]
        lines = [english.say("notice"), "", f"Invoice {invoice['number']}", ""]
        lines += [f"{name}:  {value}" for name, value in facts]
        headers = {"Content-Disposition": f'inline; filename="{invoice["number"]}.pdf"'}
        return Response(text_pdf(lines), 200, headers, "application/pdf")

    async def receipt(self, request: Request) -> Response:
        charge = self._find(request, "charge")
        language = language_of(request)
        if charge is None:
            return layout.not_found(language)
        amount = layout.money(charge["amount"], charge["currency"])
        method = charge["payment_method_details"]
        last4 = method[method["type"]]["last4"]
        facts = [
            (language.say("date"), layout.date(charge["created"])),
            (language.say("bill_to"), charge["billing_details"]["email"] or ""),
            (language.say("paid_with"), f"•••• {last4}"),
        ]
        if charge["amount_refunded"]:
            refunded = layout.money(charge["amount_refunded"], charge["currency"])
            facts.append((language.say("refunded"), refunded))
        waiting = layout.info(language.say("processing")) if charge["status"] == "pending" else ""
        body = f'{waiting}<p class="big">{amount}</p>{_rows(facts)}'
        return layout.html_page(language, language.say("receipt"), body)

    def _find(self, request: Request, kind: str) -> Object | None:
        with self._world.lock:
            found = self._world.store.find(request.path_params["id"])
        return found if found and found["object"] == kind else None


def _invoice_facts(language: Language, invoice: Object) -> list[tuple[str, str]]:
    return [
        (language.say("status"), language.say(invoice["status"])),
        (language.say("date"), layout.date(invoice["created"])),
        (language.say("bill_to"), invoice["customer_email"] or invoice["customer"]),
        (language.say("total"), layout.money(invoice["total"], invoice["currency"])),
    ]


def _lines(invoice: Object) -> list[tuple[str, str]]:
    rows = []
    for line in invoice["lines"]["data"]:
        period = line["period"]
        words = line["description"]
        if period["end"] > period["start"]:
            words += f" ({layout.date(period['start'])} to {layout.date(period['end'])})"
        rows.append((words, layout.money(line["amount"], line["currency"])))
    return rows


def _rows(facts: list[tuple[str, str]]) -> str:
    return "".join(
        f'<div class="row"><span>{escape(name)}</span><span>{escape(value)}</span></div>'
        for name, value in facts
    )


def text_pdf(lines: list[str]) -> bytes:
    """One A4 page of text in Helvetica; what Latin-1 has no sign for becomes a question mark."""
    shown = [line.encode("latin-1", "replace") for line in lines]
    for sign in (b"\\", b"(", b")"):
        shown = [line.replace(sign, b"\\" + sign) for line in shown]
    text = b"BT /F1 11 Tf 56 780 Td 16 TL " + b" T* ".join(b"(%s) Tj" % one for one in shown)
    stream = text + b" ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (len(objects) + 1, table, len(objects) + 1, len(out))
    )
