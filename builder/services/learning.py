"""Learning from past runs how long answers are, and how providers count what we send.

Per model and kind of request (a new site, a change), from its latest succeeded runs whose usage
the provider reported. Few runs teach little: they are blended with what is supposed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from builder.models import LearnedRange, Run
from builder.output_ranges import OutputRange, expected_forget, prior_of
from builder.prompts import TIGHT_BUDGET_TOKENS

RUNS_MOST: Final = 500
RUNS_OF: Final = timedelta(days=90)
# From so many runs on nothing is supposed any more.
SAMPLES_ENOUGH: Final = 20
LOW_SHARE, HIGH_SHARE = 0.05, 0.95
# The range is shown wider than it was: what comes next is not what was.
WIDER: Final = 0.15
# An answer this many times the usual longest is still let finish.
MOST_TIMES_HIGH: Final = 3
RATIO_LEAST, RATIO_MOST = Decimal("0.5"), Decimal("2")


class Sample(NamedTuple):
    """The model's own tokens of one run; `counted` is the input by our own count."""

    output_tokens: int
    input_tokens: int
    counted: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the samples of one model and kind teach."""

    output: OutputRange
    input_ratio: Decimal
    sample_count: int


def ranges_learn(*, now: datetime) -> int:
    """Learn anew for every model and kind that has runs. Returns how many rows were written.

    Again: the same rows. Other processes see them within a minute.
    """
    rows = []
    for (slug, changes_site), samples in _samples(now).items():
        lesson = learn(samples, prior_of(changes_site=changes_site))
        rows.append(
            LearnedRange(
                model_slug=slug,
                changes_site=changes_site,
                sample_count=lesson.sample_count,
                output_low=lesson.output.low,
                output_high=lesson.output.high,
                output_most=lesson.output.most,
                input_ratio=lesson.input_ratio,
                updated_at=now,
            )
        )
    LearnedRange.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["model_slug", "changes_site"],
        update_fields=[
            "sample_count",
            "output_low",
            "output_high",
            "output_most",
            "input_ratio",
            "updated_at",
        ],
    )
    expected_forget()
    return len(rows)


def learn(samples: Sequence[Sample], prior: OutputRange) -> Lesson:
    """low, high: the 5th and 95th percentile, widened. most: thrice that, within what is supposed.
    input_ratio: the median of reported input to our count."""
    outputs = sorted(sample.output_tokens for sample in samples)
    weight = min(len(outputs) / SAMPLES_ENOUGH, 1.0)
    low = _blend(prior.low, _percentile(outputs, LOW_SHARE) * (1 - WIDER), weight)
    high = _blend(prior.high, _percentile(outputs, HIGH_SHARE) * (1 + WIDER), weight)
    # Even where all answers were short: a long one must not be cut off for being the first.
    most = max(_blend(prior.most, min(high * MOST_TIMES_HIGH, prior.most), weight), prior.high)
    high = min(max(high, low), most)
    output = OutputRange(min(low, high), high, prior.least, most)
    return Lesson(output, _input_ratio(samples, weight), len(outputs))


def _samples(now: datetime) -> Mapping[tuple[str, bool], list[Sample]]:
    """By model and kind. Without runs that were told to be short, or answered by a fallback."""
    latest_first = Window(
        RowNumber(),
        partition_by=[F("model_slug"), F("changes_site")],
        order_by=F("finished_at").desc(),
    )
    runs = Run.objects.filter(
        state=Run.State.SUCCEEDED,
        usage_estimated=False,
        finished_at__gt=now - RUNS_OF,
        model_used_slug=F("model_slug"),
        max_output_tokens__gte=TIGHT_BUDGET_TOKENS,
        output_tokens__gt=0,
        input_tokens__gt=0,
        input_tokens_estimated__gt=0,
    )
    told = runs.annotate(place=latest_first).filter(place__lte=RUNS_MOST)
    found: dict[tuple[str, bool], list[Sample]] = defaultdict(list)
    names = ("output_tokens", "input_tokens", "input_tokens_estimated")
    for slug, changes_site, *counts in told.values_list("model_slug", "changes_site", *names):
        found[slug, changes_site].append(Sample(*counts))
    return found


def _percentile(ordered: Sequence[int], share: float) -> int:
    """The nearest rank's value. https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method"""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def _blend(supposed: float, learned: float, weight: float) -> int:
    return round(supposed * (1 - weight) + learned * weight)


def _input_ratio(samples: Iterable[Sample], weight: float) -> Decimal:
    ratios = sorted(Decimal(sample.input_tokens) / sample.counted for sample in samples)
    share = Decimal(str(weight))
    ratio = Decimal(1) * (1 - share) + ratios[len(ratios) // 2] * share
    return min(max(ratio, RATIO_LEAST), RATIO_MOST).quantize(Decimal("0.001"))
