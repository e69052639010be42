"""The history of what was not asked, as rows: for the status page and for staff.

Best effort: a run is never held up or failed by a row of history that can not be written.
"""

from __future__ import annotations

import logging

from celery import current_app
from django.db import DatabaseError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import StaffAlert
from accounts.staff_alerts import staff_alert
from builder.models import Outage
from builder.providers.errors import ProviderError
from models_catalog.services import provider_outage_begin

logger = logging.getLogger(__name__)


def outage_began(name: str, code: str, message: str) -> None:
    """A breaker opened. name: `<provider slug>` or `<provider slug> <provider's model id>`."""
    provider_slug, _space, provider_model_id = name.partition(" ")
    logger.warning("%s is not asked for a while: %s", name, code)
    try:
        # At once elsewhere, or never ended: one open row is enough (the constraint says so).
        with transaction.atomic():
            Outage.objects.get_or_create(
                provider_slug=provider_slug[:50],
                provider_model_id=provider_model_id[:120],
                ended_at=None,
                defaults={"code": code, "message": message[:300], "began_at": timezone.now()},
            )
    except DatabaseError as error:
        logger.warning("The outage of %s was not noted: %s", name, type(error).__name__)


def outages_ended(names: list[str]) -> None:
    """Breakers closed: these are asked again."""
    for name in names:
        provider_slug, _space, provider_model_id = name.partition(" ")
        logger.warning("%s is asked again", name)
        try:
            Outage.objects.filter(
                provider_slug=provider_slug, provider_model_id=provider_model_id, ended_at=None
            ).update(ended_at=timezone.now())
        except DatabaseError as error:
            logger.warning("The end of %s was not noted: %s", name, type(error).__name__)


def provider_out(provider_slug: str, error: ProviderError) -> None:
    """Our account there is empty or its key refused: nobody is sent there until that is mended,
    and staff are told once."""
    try:
        begun = provider_outage_begin(provider_slug, error.code)
        outage_began(provider_slug, error.code, error.message)
    except DatabaseError as failure:
        logger.warning("%s could not be taken out: %s", provider_slug, type(failure).__name__)
        return
    if not begun:
        return
    try:
        # By a task: a person waits for this run, and must not wait for a mail server.
        current_app.send_task("builder.tasks.provider_out_tell", args=[provider_slug])
    except (OperationalError, OSError) as failure:
        # The next probe sees that nobody was told.
        logger.warning("Staff are not yet told of it: %s", type(failure).__name__)


def provider_out_tell(provider_slug: str) -> bool:
    """Alert staff that a provider is out, once per outage. False: it is not, or they know."""
    key = f"provider-out:{provider_slug}"
    outage = Outage.objects.filter(
        provider_slug=provider_slug, provider_model_id="", ended_at=None
    ).first()
    if outage is None or StaffAlert.objects.filter(key=key, resolved_at=None).exists():
        return False
    staff_alert(
        key=key,
        subject=f"{provider_slug} does not serve us: {outage.code}",
        detail=(
            f"{outage.message}\n\nNo run is sent there until it is mended. Check the key and the"
            " credit with the provider, then use “End the outage” on the provider in the admin;"
            " a successful probe puts it back as well."
        ),
    )
    return True
