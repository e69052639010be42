"""Debts: what kind of step an entry is and who paid it, and a hold that pays the debt it returns to.

On PostgreSQL the function that resolves a hold is the one of 0002 with debts: what comes back to a
grant that owes is voided against its debt before anything is available again. Entries of debts are
kept as movements are.
"""

import django.db.models.deletion
from django.db import migrations, models

RESOLVE = """
CREATE OR REPLACE FUNCTION billing_hold_resolve(
    p_hold bigint, p_charge bigint, p_now timestamptz,
    OUT resolved boolean, OUT kinds text[], OUT amounts bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    pin record;
    hold_key text;
    charge_left bigint := coalesce(p_charge, 0);
    spent_part bigint;
    debt_part bigint;
    rest bigint;
    lapsed boolean;
BEGIN
    kinds := '{}'; amounts := '{}';
    UPDATE billing_hold h
    SET state = CASE WHEN p_charge IS NULL THEN 'released' ELSE 'settled' END,
        settled_amount = p_charge, resolved_at = p_now
    WHERE h.id = p_hold AND h.state = 'open' AND h.amount >= charge_left
    RETURNING h.key INTO hold_key;
    resolved := FOUND;
    IF NOT resolved THEN RETURN; END IF;
    FOR pin IN
        SELECT g.id, g.kind, g.expires_at, g.expired, g.owed, m.amount
        FROM billing_movement m JOIN billing_grant g ON g.id = m.grant_id
        WHERE m.hold_id = p_hold AND m.to_state = 'held'
        ORDER BY g.priority, g.expires_at, g.id
        FOR NO KEY UPDATE OF g
    LOOP
        spent_part := least(charge_left, pin.amount);
        debt_part := least(pin.amount - spent_part, pin.owed);
        rest := pin.amount - spent_part - debt_part;
        charge_left := charge_left - spent_part;
        -- `expired > 0` too: clocks differ between machines, and what a sweep has begun stays so.
        lapsed := pin.expired > 0 OR coalesce(pin.expires_at <= p_now, false);
        UPDATE billing_grant g
        SET held = g.held - pin.amount,
            spent = g.spent + spent_part,
            voided = g.voided + debt_part,
            owed = g.owed - debt_part,
            expired = g.expired + CASE WHEN lapsed THEN rest ELSE 0 END,
            available = g.available + CASE WHEN lapsed THEN 0 ELSE rest END
        WHERE g.id = pin.id;
        INSERT INTO billing_movement
            (grant_id, hold_id, from_state, to_state, amount, key, created_at)
        SELECT pin.id, p_hold, 'held', step.state, step.amount,
            step.verb || ':' || hold_key || ':' || pin.id, p_now
        FROM (VALUES
            ('settle', 'spent', spent_part),
            ('repay', 'voided', debt_part),
            (CASE WHEN lapsed THEN 'lapse' ELSE 'return' END,
             CASE WHEN lapsed THEN 'expired' ELSE 'available' END, rest)
        ) AS step (verb, state, amount)
        WHERE step.amount > 0;
        IF debt_part > 0 THEN
            INSERT INTO billing_debtentry (grant_id, kind, amount, key, created_at)
            VALUES (pin.id, 'returned', -debt_part, 'repay:' || hold_key || ':' || pin.id, p_now);
        END IF;
        IF spent_part > 0 THEN
            kinds := kinds || pin.kind::text; amounts := amounts || spent_part;
        END IF;
    END LOOP;
END $$
"""

# A ledger row is never edited or deleted. TRUNCATE, which tests use, is not affected.
KEEP = """
CREATE FUNCTION billing_debtentry_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of debts are never changed or deleted (entry %)', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$
"""
KEEP_TRIGGER = """
CREATE TRIGGER billing_debtentry_keep BEFORE UPDATE OR DELETE ON billing_debtentry
FOR EACH ROW EXECUTE FUNCTION billing_debtentry_keep()
"""

UNDO = (
    "DROP TRIGGER billing_debtentry_keep ON billing_debtentry",
    "DROP FUNCTION billing_debtentry_keep()",
)


def apply(apps, schema_editor):
    run(schema_editor, (RESOLVE, KEEP, KEEP_TRIGGER))


def undo(apps, schema_editor):
    from importlib import import_module

    before = import_module("billing.migrations.0002_postgresql_functions").RESOLVE
    run(schema_editor, (*UNDO, before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")))


def run(schema_editor, statements):
    if schema_editor.connection.vendor == "postgresql":
        for statement in statements:
            schema_editor.execute(statement, params=None)


KINDS = [
    ("taken", "Taken back after it was used, or given back again"),
    ("returned", "Paid by the grant's own tokens, once they were not needed"),
    ("paid", "Paid by another grant's tokens, or those given back again"),
    ("forgiven", "Forgiven by staff"),
]


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_sales")]
    operations = [
        migrations.AddField(
            model_name="debtentry",
            name="kind",
            field=models.CharField(choices=KINDS, default="taken", max_length=16),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="debtentry",
            name="payer",
            field=models.ForeignKey(
                blank=True,
                help_text="The grant whose tokens paid",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="debt_payments",
                to="billing.grant",
            ),
        ),
        migrations.AddConstraint(
            model_name="debtentry",
            constraint=models.CheckConstraint(
                condition=(
                    models.Q(kind="paid", payer__isnull=False)
                    & ~models.Q(payer=models.F("grant"))
                )
                | (~models.Q(kind="paid") & models.Q(payer__isnull=True)),
                name="debt_entry_paid_by_another_grant",
            ),
        ),
        migrations.AddConstraint(
            model_name="debtentry",
            constraint=models.CheckConstraint(
                condition=models.Q(kind__in=["taken", "paid"]) | models.Q(amount__lt=0),
                name="debt_entry_only_shrinks",
            ),
        ),
        migrations.RemoveConstraint(model_name="grant", name="grant_owes_only_what_was_used"),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(owed__gte=0)
                & models.Q(owed__lte=models.F("held") + models.F("spent") + models.F("voided")),
                name="grant_owes_only_what_was_used",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(owed=0) | models.Q(available=0),
                name="grant_in_debt_has_nothing_left",
            ),
        ),
        migrations.RunPython(apply, undo),
    ]
