"""PostgreSQL only: holds as two functions, room for in-place updates, movements that stay.

The functions do what `billing/services/engines/portable.py` does, in the same order; the same
tests run against both. They must be called at READ COMMITTED (PostgreSQL's and Django's default):
each statement inside looks anew, so what is read under a lock is the latest.
"""

from django.db import migrations

TAKE = """
CREATE FUNCTION billing_hold_take(
    p_user bigint, p_key text, p_at_least bigint, p_at_most bigint,
    p_expires_at timestamptz, p_allowances text[], p_now timestamptz,
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
    IF (SELECT count(*) FROM billing_grant g WHERE g.source = ANY (p_allowances))
        < cardinality(p_allowances)
    THEN
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

RESOLVE = """
CREATE FUNCTION billing_hold_resolve(
    p_hold bigint, p_charge bigint, p_now timestamptz,
    OUT resolved boolean, OUT kinds text[], OUT amounts bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    pin record;
    hold_key text;
    charge_left bigint := coalesce(p_charge, 0);
    spent_part bigint;
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
        SELECT g.id, g.kind, g.expires_at, g.expired, m.amount
        FROM billing_movement m JOIN billing_grant g ON g.id = m.grant_id
        WHERE m.hold_id = p_hold AND m.to_state = 'held'
        ORDER BY g.priority, g.expires_at, g.id
        FOR NO KEY UPDATE OF g
    LOOP
        spent_part := least(charge_left, pin.amount);
        rest := pin.amount - spent_part;
        charge_left := charge_left - spent_part;
        -- `expired > 0` too: clocks differ between machines, and what a sweep has begun stays so.
        lapsed := pin.expired > 0 OR coalesce(pin.expires_at <= p_now, false);
        UPDATE billing_grant g
        SET held = g.held - pin.amount,
            spent = g.spent + spent_part,
            expired = g.expired + CASE WHEN lapsed THEN rest ELSE 0 END,
            available = g.available + CASE WHEN lapsed THEN 0 ELSE rest END
        WHERE g.id = pin.id;
        INSERT INTO billing_movement
            (grant_id, hold_id, from_state, to_state, amount, key, created_at)
        SELECT pin.id, p_hold, 'held', step.state, step.amount,
            step.verb || ':' || hold_key || ':' || pin.id, p_now
        FROM (VALUES
            ('settle', 'spent', spent_part),
            (CASE WHEN lapsed THEN 'lapse' ELSE 'return' END,
             CASE WHEN lapsed THEN 'expired' ELSE 'available' END, rest)
        ) AS step (verb, state, amount)
        WHERE step.amount > 0;
        IF spent_part > 0 THEN
            kinds := kinds || pin.kind::text; amounts := amounts || spent_part;
        END IF;
    END LOOP;
END $$
"""

# A ledger row is never edited or deleted. TRUNCATE, which tests use, is not affected.
KEEP = """
CREATE FUNCTION billing_movement_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'movements of tokens are never changed or deleted (movement %)', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$
"""
KEEP_TRIGGER = """
CREATE TRIGGER billing_movement_keep BEFORE UPDATE OR DELETE ON billing_movement
FOR EACH ROW EXECUTE FUNCTION billing_movement_keep()
"""

# Every hold and every settlement updates a grant: leave room on the page for the new version.
ROOM = "ALTER TABLE billing_grant SET (fillfactor = 80)"

UNDO = (
    "DROP TRIGGER billing_movement_keep ON billing_movement",
    "DROP FUNCTION billing_movement_keep()",
    "DROP FUNCTION billing_hold_resolve(bigint, bigint, timestamptz)",
    "DROP FUNCTION billing_hold_take(bigint, text, bigint, bigint, timestamptz, text[], timestamptz)",
    "ALTER TABLE billing_grant RESET (fillfactor)",
)


def apply(apps, schema_editor):
    run(schema_editor, (TAKE, RESOLVE, KEEP, KEEP_TRIGGER, ROOM))


def undo(apps, schema_editor):
    run(schema_editor, UNDO)


def run(schema_editor, statements):
    if schema_editor.connection.vendor == "postgresql":
        for statement in statements:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(apply, undo)]
