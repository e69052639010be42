-- No colon before a letter in a text: pgbench would take it for a variable.
-- Hold and settle as plain statements in a transaction each; the grant, which others may wait
-- for, is locked last.
\set grant random(:first_grant, :last_grant)
\set key random(1, 4611686018427387904)
BEGIN;
INSERT INTO billing_hold (user_id, key, amount, state, expires_at, created_at)
SELECT user_id, 'pgbench/' || :key, 6000, 'open', now() + interval '15 minutes', now()
FROM billing_grant WHERE id = :grant RETURNING id AS hold_id \gset
INSERT INTO billing_movement (grant_id, hold_id, from_state, to_state, amount, key, created_at)
VALUES (:grant, :hold_id, 'available', 'held', 6000, 'hold/pgbench/' || :key || ':' || :grant,
    now());
UPDATE billing_grant SET available = available - 6000, held = held + 6000
WHERE id = :grant AND available >= 6000;
END;
BEGIN;
UPDATE billing_hold SET state = 'settled', settled_amount = 1500, resolved_at = now()
WHERE id = :hold_id AND state = 'open';
INSERT INTO billing_movement (grant_id, hold_id, from_state, to_state, amount, key, created_at)
VALUES (:grant, :hold_id, 'held', 'spent', 1500, 'settle/pgbench/' || :key || ':' || :grant,
    now()),
    (:grant, :hold_id, 'held', 'available', 4500, 'return/pgbench/' || :key || ':' || :grant,
    now());
UPDATE billing_grant SET held = held - 6000, spent = spent + 1500, available = available + 4500
WHERE id = :grant;
END;
