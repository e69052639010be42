"""Grants are locked last, movements are checked by the statement, and have an index entry less.

On PostgreSQL, holds and settlements write all they can before they lock the grant, which others may
wait for, and are done when it is. A guess (it is all in one grant, which owes nothing) is written
in a block; where the locked grant shows it wrong, the block is undone and the long way taken.

Grants and holds are never deleted there any more. A parent that can not go needs no lock and no
look for every row: the foreign keys of movements become one look for each INSERT.

Everywhere a movement's key is unique with its grant, whose number it contains: one index for that
and for the movements of a grant.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

FIRST = import_module("billing.migrations.0002_postgresql_functions")
DEBTS = import_module("billing.migrations.0004_debts")
PREMIUM = import_module("billing.migrations.0006_take_premium")

TAKE = """
CREATE OR REPLACE FUNCTION billing_hold_take(
    p_user bigint, p_key text, p_at_least bigint, p_at_most bigint,
    p_expires_at timestamptz, p_free text, p_premium text,
    p_day_start timestamptz, p_day_end timestamptz, p_now timestamptz,
    OUT outcome text, OUT hold_id bigint, OUT amount bigint, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    seen record;
    row record;
    grant_ids bigint[] := '{}';
    parts bigint[] := '{}';
BEGIN
    hold_id := 0; amount := 0; available := 0;
    -- Looked at without a lock: a guess, but for what once made stays (holds, allowances).
    -- As `billing.entitlement` says: a day is entitled if a period with length overlaps it.
    SELECT EXISTS (SELECT FROM billing_hold h WHERE h.key = p_key) AS taken,
        EXISTS (SELECT FROM billing_grant g WHERE g.source = p_free) AND (
            EXISTS (SELECT FROM billing_grant g WHERE g.source = p_premium)
            OR NOT EXISTS (
                SELECT FROM billing_premiumperiod p
                WHERE p.user_id = p_user AND p.ends_at > p_day_start AND p.starts_at < p_day_end
                    AND p.ends_at > p.starts_at
            )
        ) AS allowed,
        first.id AS grant_id, first.available
    INTO seen
    FROM (VALUES (1)) AS once LEFT JOIN LATERAL (
        SELECT g.id, g.available FROM billing_grant g
        WHERE g.user_id = p_user AND g.spendable AND g.effective_at <= p_now
            AND (g.expires_at IS NULL OR g.expires_at > p_now)
        ORDER BY g.priority, g.expires_at, g.id LIMIT 1
    ) AS first ON true;
    IF seen.taken THEN outcome := 'exists'; RETURN; END IF;
    IF NOT seen.allowed THEN outcome := 'allowance_missing'; RETURN; END IF;

    -- All in one grant, as nearly always: everything is written before the grant is locked.
    IF seen.available >= p_at_most THEN
        BEGIN
            INSERT INTO billing_hold (user_id, key, amount, state, expires_at, created_at)
            VALUES (p_user, p_key, p_at_most, 'open', p_expires_at, p_now)
            ON CONFLICT (key) DO NOTHING RETURNING id INTO hold_id;
            IF NOT FOUND THEN outcome := 'exists'; hold_id := 0; RETURN; END IF;
            INSERT INTO billing_movement
                (grant_id, hold_id, from_state, to_state, amount, key, created_at)
            VALUES (seen.grant_id, billing_hold_take.hold_id, 'available', 'held', p_at_most,
                'hold:' || p_key || ':' || seen.grant_id, p_now);
            UPDATE billing_grant g
            SET available = g.available - p_at_most, held = g.held + p_at_most
            WHERE g.id = seen.grant_id AND g.available >= p_at_most;
            IF FOUND THEN outcome := 'taken'; amount := p_at_most; RETURN; END IF;
            RAISE EXCEPTION USING ERRCODE = 'SW001';
        EXCEPTION WHEN SQLSTATE 'SW001' THEN
            hold_id := 0;
        END;
    END IF;

    BEGIN
        INSERT INTO billing_hold (user_id, key, amount, state, expires_at, created_at)
        VALUES (p_user, p_key, p_at_most, 'open', p_expires_at, p_now)
        ON CONFLICT (key) DO NOTHING RETURNING id INTO hold_id;
        IF NOT FOUND THEN outcome := 'exists'; hold_id := 0; RETURN; END IF;
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
        IF amount < p_at_least THEN RAISE EXCEPTION USING ERRCODE = 'SW001'; END IF;
        IF amount < p_at_most THEN
            UPDATE billing_hold h SET amount = billing_hold_take.amount
            WHERE h.id = billing_hold_take.hold_id;
        END IF;
        UPDATE billing_grant g SET available = g.available - t.part, held = g.held + t.part
        FROM unnest(grant_ids, parts) AS t (grant_id, part) WHERE g.id = t.grant_id;
        INSERT INTO billing_movement
            (grant_id, hold_id, from_state, to_state, amount, key, created_at)
        SELECT t.grant_id, billing_hold_take.hold_id, 'available', 'held', t.part,
            'hold:' || p_key || ':' || t.grant_id, p_now
        FROM unnest(grant_ids, parts) AS t (grant_id, part);
        outcome := 'taken';
    EXCEPTION WHEN SQLSTATE 'SW001' THEN
        outcome := 'short'; hold_id := 0; available := amount; amount := 0;
    END;
END $$
"""

RESOLVE = """
CREATE OR REPLACE FUNCTION billing_hold_resolve(
    p_hold bigint, p_charge bigint, p_now timestamptz,
    OUT resolved boolean, OUT kinds text[], OUT amounts bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    pin record;
    closed record;
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
    RETURNING h.key, h.amount INTO closed;
    resolved := FOUND;
    IF NOT resolved THEN RETURN; END IF;

    -- All in one grant without debts, as nearly always.
    SELECT g.id, g.kind, coalesce(g.expires_at <= p_now, false) AS lapsed INTO pin
    FROM billing_movement m JOIN billing_grant g ON g.id = m.grant_id
    WHERE m.hold_id = p_hold AND m.to_state = 'held' AND m.amount = closed.amount
        AND g.owed = 0 AND g.expired = 0;
    IF FOUND THEN
        rest := closed.amount - charge_left;
        BEGIN
            INSERT INTO billing_movement
                (grant_id, hold_id, from_state, to_state, amount, key, created_at)
            SELECT pin.id, p_hold, 'held', step.state, step.amount,
                step.verb || ':' || closed.key || ':' || pin.id, p_now
            FROM (VALUES
                ('settle', 'spent', charge_left),
                (CASE WHEN pin.lapsed THEN 'lapse' ELSE 'return' END,
                 CASE WHEN pin.lapsed THEN 'expired' ELSE 'available' END, rest)
            ) AS step (verb, state, amount)
            WHERE step.amount > 0;
            UPDATE billing_grant g
            SET held = g.held - closed.amount,
                spent = g.spent + charge_left,
                expired = g.expired + CASE WHEN pin.lapsed THEN rest ELSE 0 END,
                available = g.available + CASE WHEN pin.lapsed THEN 0 ELSE rest END
            WHERE g.id = pin.id AND g.owed = 0 AND g.expired = 0;
            IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'SW001'; END IF;
            IF charge_left > 0 THEN
                kinds := ARRAY[pin.kind::text]; amounts := ARRAY[charge_left];
            END IF;
            RETURN;
        EXCEPTION WHEN SQLSTATE 'SW001' THEN
            NULL;
        END;
    END IF;

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
            step.verb || ':' || closed.key || ':' || pin.id, p_now
        FROM (VALUES
            ('settle', 'spent', spent_part),
            ('repay', 'voided', debt_part),
            (CASE WHEN lapsed THEN 'lapse' ELSE 'return' END,
             CASE WHEN lapsed THEN 'expired' ELSE 'available' END, rest)
        ) AS step (verb, state, amount)
        WHERE step.amount > 0;
        IF debt_part > 0 THEN
            INSERT INTO billing_debtentry (grant_id, kind, amount, key, created_at)
            VALUES (pin.id, 'returned', -debt_part, 'repay:' || closed.key || ':' || pin.id, p_now);
        END IF;
        IF spent_part > 0 THEN
            kinds := kinds || pin.kind::text; amounts := amounts || spent_part;
        END IF;
    END LOOP;
END $$
"""

# Not for single rows: a month's first day inserts a million.
BELONGS = """
CREATE FUNCTION billing_movement_belongs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added a LEFT JOIN billing_grant g ON g.id = a.grant_id WHERE g.id IS NULL
    ) OR EXISTS (
        SELECT FROM added a LEFT JOIN billing_hold h ON h.id = a.hold_id
        WHERE a.hold_id IS NOT NULL AND h.id IS NULL
    ) THEN
        RAISE EXCEPTION 'a movement needs a grant, and a hold if it names one, that exist'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
BELONGS_TRIGGER = """
CREATE TRIGGER billing_movement_belongs AFTER INSERT ON billing_movement
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION billing_movement_belongs()
"""
STAY = """
CREATE FUNCTION billing_parent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'grants and holds are never deleted (% %)', TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'restrict_violation';
END $$
"""
STAY_TRIGGERS = tuple(
    f"CREATE TRIGGER {table}_stays BEFORE DELETE OR UPDATE OF id ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION billing_parent_stays()"
    for table in ("billing_grant", "billing_hold")
)
# Their names have a digest of Django's in them: looked up, not written down.
FOREIGN_KEYS = """
SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'billing_movement'::regclass
AND confrelid IN ('billing_grant'::regclass, 'billing_hold'::regclass)
"""
UNDO = (
    "DROP TRIGGER billing_grant_stays ON billing_grant",
    "DROP TRIGGER billing_hold_stays ON billing_hold",
    "DROP FUNCTION billing_parent_stays()",
    "DROP TRIGGER billing_movement_belongs ON billing_movement",
    "DROP FUNCTION billing_movement_belongs()",
    *(
        f"ALTER TABLE billing_movement ADD FOREIGN KEY ({parent}_id)"
        f" REFERENCES billing_{parent} (id) DEFERRABLE INITIALLY DEFERRED"
        for parent in ("grant", "hold")
    ),
    PREMIUM.TAKE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    DEBTS.RESOLVE,
)


def apply(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    FIRST.run(schema_editor, (BELONGS, BELONGS_TRIGGER, STAY, *STAY_TRIGGERS, TAKE, RESOLVE))
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEYS)
        names = [row[0] for row in cursor.fetchall()]
    drops = [f'ALTER TABLE billing_movement DROP CONSTRAINT "{name}"' for name in names]
    FIRST.run(schema_editor, drops)


def undo(apps, schema_editor):
    FIRST.run(schema_editor, UNDO)


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_lighter_indexes")]

    operations = [
        migrations.AddConstraint(
            model_name="movement",
            constraint=models.UniqueConstraint(fields=("grant", "key"), name="movement_once"),
        ),
        migrations.RemoveConstraint(model_name="movement", name="movement_key_once"),
        migrations.AlterField(
            model_name="movement",
            name="grant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="movements",
                to="billing.grant",
            ),
        ),
        migrations.RunPython(apply, undo),
    ]
