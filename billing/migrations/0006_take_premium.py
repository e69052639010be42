"""PostgreSQL only: who takes tokens also looks whether the day's premium grant is still to make.

The function that takes a hold is the one of 0002, but for its allowances: it asks for the month's
free grant, and on an entitled day for the day's premium grant, in the statement it had anyway.
"""

from importlib import import_module

from django.db import migrations

FIRST = import_module("billing.migrations.0002_postgresql_functions")

DROP_OLD = (
    "DROP FUNCTION billing_hold_take(bigint, text, bigint, bigint, timestamptz, text[], timestamptz)"
)
DROP_NEW = (
    "DROP FUNCTION billing_hold_take"
    "(bigint, text, bigint, bigint, timestamptz, text, text, timestamptz, timestamptz, timestamptz)"
)

TAKE = """
CREATE FUNCTION billing_hold_take(
    p_user bigint, p_key text, p_at_least bigint, p_at_most bigint,
    p_expires_at timestamptz, p_free text, p_premium text,
    p_day_start timestamptz, p_day_end timestamptz, p_now timestamptz,
    OUT outcome text, OUT hold_id bigint, OUT amount bigint, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    row record;
    grant_ids bigint[] := '{}';
    parts bigint[] := '{}';
BEGIN
    hold_id := 0; amount := 0; available := 0;
    -- The same call beside us waits here, with nothing else locked, and then finds our hold. (Were
    -- it to meet us at the unique key instead, it would hold grants that a settlement waits for.)
    PERFORM pg_advisory_xact_lock(hashtextextended(p_key, 0));
    IF EXISTS (SELECT FROM billing_hold h WHERE h.key = p_key) THEN
        outcome := 'exists'; RETURN;
    END IF;
    -- As `billing.entitlement` says: a day is entitled if a period with length overlaps it.
    IF NOT EXISTS (SELECT FROM billing_grant g WHERE g.source = p_free) OR (
        EXISTS (
            SELECT FROM billing_premiumperiod p
            WHERE p.user_id = p_user AND p.ends_at > p_day_start AND p.starts_at < p_day_end
                AND p.ends_at > p.starts_at
        ) AND NOT EXISTS (SELECT FROM billing_grant g WHERE g.source = p_premium)
    ) THEN
        outcome := 'allowance_missing'; RETURN;
    END IF;
    FOR row IN
        SELECT g.id, g.available AS there FROM billing_grant g
        WHERE g.user_id = p_user AND g.spendable AND g.effective_at <= p_now
            AND (g.expires_at IS NULL OR g.expires_at > p_now)
        ORDER BY g.priority, g.expires_at, g.id
        FOR NO KEY UPDATE
    LOOP
        grant_ids := grant_ids || row.id;
        parts := parts || least(row.there, p_at_most - amount);
        amount := amount + least(row.there, p_at_most - amount);
        EXIT WHEN amount = p_at_most;
    END LOOP;
    IF amount < p_at_least THEN
        outcome := 'short'; available := amount; amount := 0; RETURN;
    END IF;
    INSERT INTO billing_hold (user_id, key, amount, state, expires_at, created_at)
    VALUES (p_user, p_key, amount, 'open', p_expires_at, p_now)
    RETURNING id INTO hold_id;
    UPDATE billing_grant g SET available = g.available - t.part, held = g.held + t.part
    FROM unnest(grant_ids, parts) AS t (grant_id, part) WHERE g.id = t.grant_id;
    INSERT INTO billing_movement (grant_id, hold_id, from_state, to_state, amount, key, created_at)
    SELECT t.grant_id, billing_hold_take.hold_id, 'available', 'held', t.part,
        'hold:' || p_key || ':' || t.grant_id, p_now
    FROM unnest(grant_ids, parts) AS t (grant_id, part);
    outcome := 'taken';
END $$
"""


def apply(apps, schema_editor):
    FIRST.run(schema_editor, (DROP_OLD, TAKE))


def undo(apps, schema_editor):
    FIRST.run(schema_editor, (DROP_NEW, FIRST.TAKE))


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_premium_cut_from")]
    operations = [migrations.RunPython(apply, undo)]
