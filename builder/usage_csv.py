"""Usage and receipts as CSV, a line at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from billing.models import Grant
from builder.selectors.receipts import Receipt
from builder.selectors.usage import DAY, MODEL, SITE, UsageRow

POCKETS = tuple(Grant.Kind.values)
POCKET_COLUMNS = ("Free monthly", "Purchased", "Premium daily", "Adjustment")
KEY_COLUMNS = {DAY: ("Day",), MODEL: ("Model",), SITE: ("Site", "Site name")}
SUM_COLUMNS = ("Tokens charged", *POCKET_COLUMNS, "Runs", "Input tokens", "Output tokens")
RECEIPT_COLUMNS = (
    *("Time", "Run", "Site", "Request", "Model asked", "Model used", "State", "Version"),
    *("Input tokens", "Output tokens", "Estimated", "Tokens charged"),
    *POCKET_COLUMNS,
)
# A cell that begins with one of these is run as a formula by spreadsheets, also behind blanks
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file for csv.writer that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def csv_response(lines: Iterable[Sequence[Any]], name: str) -> StreamingHttpResponse:
    """The lines as a file to be saved."""
    writer = csv.writer(_Echo())
    streamed = (writer.writerow([_cell(value) for value in line]) for line in lines)
    response = StreamingHttpResponse(streamed, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def usage_lines(
    rows: Iterable[UsageRow], by: Sequence[str], site_names: Mapping[UUID, str]
) -> Iterator[Sequence[Any]]:
    """A header, then a line per group."""
    yield [*(column for name in by for column in KEY_COLUMNS[name]), *SUM_COLUMNS]
    for row in rows:
        keys: dict[str, tuple[Any, ...]] = {
            DAY: (row.day,),
            MODEL: (row.model or "",),
            SITE: (row.site_id or "", site_names.get(row.site_id, "") if row.site_id else ""),
        }
        yield [
            *(value for name in by for value in keys[name]),
            row.charged,
            *(row.pockets.get(kind, 0) for kind in POCKETS),
            *(row.runs, row.input_tokens, row.output_tokens),
        ]


def receipt_lines(receipts: Iterable[Receipt], zone: ZoneInfo) -> Iterator[Sequence[Any]]:
    """A header, then a line per receipt, its time in the zone with its offset."""
    yield RECEIPT_COLUMNS
    for receipt in receipts:
        pockets = dict(receipt.pockets)
        yield [
            receipt.at.astimezone(zone).isoformat(timespec="seconds"),
            *_run_cells(receipt),
            "" if receipt.charged is None else receipt.charged,
            *(pockets.get(kind, 0) for kind in POCKETS),
        ]


def _run_cells(receipt: Receipt) -> Sequence[Any]:
    run = receipt.run
    if run is None:
        return [""] * 10
    return [
        run.pk,
        run.site.name,
        run.prompt,
        run.model_slug,
        run.model_used_slug,
        run.state,
        run.version.number if run.version else "",
        "" if run.input_tokens is None else run.input_tokens,
        "" if run.output_tokens is None else run.output_tokens,
        "yes" if run.usage_estimated else "no",
    ]


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would run is made text by an apostrophe in front."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
