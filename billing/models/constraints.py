"""Constraints that not every database needs."""

from __future__ import annotations

from typing import Any

from django.db import models


class UniqueUnlessPostgreSQL(models.UniqueConstraint):
    """A unique constraint that on PostgreSQL is kept by a trigger, without an index."""

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        return None if _postgresql(schema_editor) else super().constraint_sql(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return None if _postgresql(schema_editor) else super().create_sql(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return None if _postgresql(schema_editor) else super().remove_sql(model, schema_editor)


def _postgresql(schema_editor: Any) -> bool:
    return bool(schema_editor.connection.vendor == "postgresql")
