"""PostgreSQL only: what staff did is never edited or deleted, as movements of tokens are not."""

from importlib import import_module

from django.db import migrations

run = import_module("billing.migrations.0002_postgresql_functions").run

KEEP = """
CREATE FUNCTION billing_staffaction_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'actions of staff are never changed or deleted (action %)', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$
"""
KEEP_TRIGGER = """
CREATE TRIGGER billing_staffaction_keep BEFORE UPDATE OR DELETE ON billing_staffaction
FOR EACH ROW EXECUTE FUNCTION billing_staffaction_keep()
"""
UNDO = (
    "DROP TRIGGER billing_staffaction_keep ON billing_staffaction",
    "DROP FUNCTION billing_staffaction_keep()",
)


def apply(apps, schema_editor):
    run(schema_editor, (KEEP, KEEP_TRIGGER))


def undo(apps, schema_editor):
    run(schema_editor, UNDO)


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_take_premium")]
    operations = [migrations.RunPython(apply, undo)]
