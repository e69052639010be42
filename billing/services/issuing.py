"""The movement that issues a grant, where the database does not write it with the grant."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from billing.models import Grant, Movement


def grants_issue(grants: Sequence[Grant]) -> None:
    """Write the issuing movements that these grants have not got, in the transaction that made
    them. On PostgreSQL a trigger has done so (migration 0012): no effect."""
    if connection.vendor == "postgresql":
        return
    issues = Movement.objects.filter(from_state=Movement.State.ISSUED)
    issued = set(issues.filter(grant__in=grants).values_list("grant_id", flat=True))
    Movement.objects.bulk_create(
        Movement(
            grant=grant,
            from_state=Movement.State.ISSUED,
            to_state=Movement.State.AVAILABLE,
            amount=grant.amount,
            key=grant.source,
            created_at=grant.created_at,
        )
        for grant in grants
        if grant.pk not in issued
    )
