"""`manage.py reconcile_ledger`: prove that the totals are what the movements say."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.models import Grant, Hold, Movement
from billing.services.reconcile import reconcile


class Command(BaseCommand):
    help = "Compares the totals of grants and holds with their movements. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        differences = reconcile()
        for difference in differences:
            self.stdout.write(str(difference))
        if differences:
            raise CommandError(f"{len(differences)} difference(s) between totals and movements")
        self.stdout.write(
            f"{Grant.objects.count()} grants, {Hold.objects.count()} holds and"
            f" {Movement.objects.count()} movements agree"
        )
