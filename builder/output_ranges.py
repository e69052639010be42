"""How long answers usually are: as supposed at first, as learned from past runs since.

What was learned is read by one small statement and kept for a minute in each process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from builder.models import LearnedRange

KEPT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class OutputRange:
    """Tokens an answer usually has, the least that is worth starting, the most we ask for."""

    low: int
    high: int
    least: int
    most: int


# Priors, from the sites our sample models make; a whole site is far longer than an edit.
NEW_SITE: Final = OutputRange(low=1_200, high=5_000, least=500, most=12_000)
FOLLOW_UP: Final = OutputRange(low=150, high=2_500, least=200, most=8_000)


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one model and kind of request. input_ratio: the model's input tokens to our count."""

    output: OutputRange
    input_ratio: Decimal = Decimal(1)


def prior_of(*, changes_site: bool) -> OutputRange:
    return FOLLOW_UP if changes_site else NEW_SITE


def expected_of(model_slug: str, *, changes_site: bool) -> Expected:
    """What is learned of the model and kind, else what is supposed of the kind."""
    learned = _kept.rows().get((model_slug, changes_site))
    return learned or Expected(prior_of(changes_site=changes_site))


def expected_forget() -> None:
    """Read again at the next question; for this process only."""
    _kept.forget()


class _Kept:
    """All learned ranges (two for each model), read at most once a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: Mapping[tuple[str, bool], Expected] = {}
        self._until = 0.0

    def rows(self) -> Mapping[tuple[str, bool], Expected]:
        with self._lock:
            if time.monotonic() < self._until:
                return self._rows
        rows = {(row.model_slug, row.changes_site): _expected(row) for row in _stored()}
        with self._lock:
            self._rows, self._until = rows, time.monotonic() + KEPT_SECONDS
        return rows

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


def _stored() -> list[LearnedRange]:
    return list(LearnedRange.objects.all())


def _expected(row: LearnedRange) -> Expected:
    least = prior_of(changes_site=row.changes_site).least
    output = OutputRange(row.output_low, row.output_high, least, max(row.output_most, least))
    return Expected(output, row.input_ratio)


_kept = _Kept()
