"""Python's garbage collector in a long-lived process: what was imported is not looked at again."""

from __future__ import annotations

import gc

# A request or a run makes a few thousand objects, nearly all freed without the collector.
YOUNG_OBJECTS = 10_000


def spare_what_is_loaded() -> None:
    """To be called once, when everything is imported: a full collection then costs by what has
    been made since, not by a quarter of a million objects of modules. Takes no time itself: it
    does not collect first, which would hold up a worker that is about to listen."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
