"""Asking a worker for a comparison with the providers. What it does is `catalogue`."""

from __future__ import annotations

import logging

from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from builder.tasks import catalogue_compare
from config.errors import Unavailable
from models_catalog.truth.comparisons import comparison_ask, comparison_fail

logger = logging.getLogger(__name__)


def comparison_start() -> None:
    """Have a worker compare now; rings again for one that none has begun.

    Raises Conflict while one is being done, Unavailable where no worker can be rung: then it is
    over, and may be asked for again at once.
    """
    comparison = comparison_ask()
    try:
        catalogue_compare.apply_async(args=[comparison.pk])
    except (OperationalError, OSError) as error:
        logger.warning("A comparison could not be rung for: %s", type(error).__name__)
        why = _("No worker could be told: Redis is away. Start it, then compare again.")
        comparison_fail(comparison_id=comparison.pk, why=why)
        raise Unavailable(why) from None
