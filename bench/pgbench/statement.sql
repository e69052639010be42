-- No colon before a letter in a text: pgbench would take it for a variable.
-- Hold and settle as one statement each, every one its own transaction.
\set grant random(:first_grant, :last_grant)
\set key random(1, 4611686018427387904)
WITH taken AS (
    UPDATE billing_grant SET available = available - 6000, held = held + 6000
    WHERE id = :grant AND available >= 6000 RETURNING id, user_id
), hold AS (
    INSERT INTO billing_hold (user_id, key, amount, state, expires_at, created_at)
    SELECT user_id, 'pgbench/' || :key, 6000, 'open', now() + interval '15 minutes', now()
    FROM taken RETURNING id
)
INSERT INTO billing_movement (grant_id, hold_id, from_state, to_state, amount, key, created_at)
SELECT taken.id, hold.id, 'available', 'held', 6000, 'hold/pgbench/' || :key || ':' || taken.id,
    now()
FROM taken, hold RETURNING hold_id \gset
WITH settled AS (
    UPDATE billing_hold SET state = 'settled', settled_amount = 1500, resolved_at = now()
    WHERE id = :hold_id AND state = 'open' RETURNING id
), charged AS (
    UPDATE billing_grant
    SET held = held - 6000, spent = spent + 1500, available = available + 4500
    FROM settled WHERE billing_grant.id = :grant RETURNING billing_grant.id
)
INSERT INTO billing_movement (grant_id, hold_id, from_state, to_state, amount, key, created_at)
SELECT charged.id, settled.id, 'held', step.state, step.amount,
    step.verb || '/pgbench/' || :key || ':' || charged.id, now()
FROM settled, charged,
    (VALUES ('settle', 'spent', 1500), ('return', 'available', 4500)) AS step (verb, state, amount);
