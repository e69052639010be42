"""Figures and how they are printed: one JSON object a line, so that runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def emit(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; 0.0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
