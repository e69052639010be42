"""PostgreSQL writes the movement that issues a grant itself; less is looked at row by row.

A month's first day inserts a million grants. On PostgreSQL, from now on:

- an INSERT of grants inserts the movements that issue them (a trigger, once a statement). Nobody
  else can issue, so these movements need no unique key and no index of their own;
- that a grant's user exists is checked once a statement, in place of the foreign key, which locked
  every user's row. Who deletes a user waits for the grants that are being made, then looks: a lock
  of its own, shared by those who make grants, keeps the two apart;
- a grant's user never changes.

Elsewhere services write the issuing movement, and an index keeps it single.
"""

from importlib import import_module

from django.conf import settings
from django.db import migrations, models

import billing.models.constraints

FIRST = import_module("billing.migrations.0002_postgresql_functions")
LOCK_LAST = import_module("billing.migrations.0009_lock_last")

# Shared by whoever makes grants, alone for whoever deletes users.
OWNERS = "hashtextextended('billing_grant_owner', 0)"

# A subquery for each row, here and below: a join could become one that reads a whole table.
ISSUE = f"""
CREATE FUNCTION billing_grant_issue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({OWNERS});
    IF EXISTS (
        SELECT FROM added a
        WHERE (SELECT u.id FROM accounts_user u WHERE u.id = a.user_id) IS NULL
    ) THEN
        RAISE EXCEPTION 'a grant needs a user that exists'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO billing_movement (grant_id, from_state, to_state, amount, key, created_at)
    SELECT id, 'issued', 'available', amount, source, created_at FROM added;
    RETURN NULL;
END $$
"""
ISSUE_TRIGGER = """
CREATE TRIGGER billing_grant_issue AFTER INSERT ON billing_grant
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION billing_grant_issue()
"""
BELONGS = """
CREATE OR REPLACE FUNCTION billing_movement_belongs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a WHERE a.from_state = 'issued') THEN
        RAISE EXCEPTION 'only a new grant issues tokens' USING ERRCODE = 'unique_violation';
    END IF;
    IF EXISTS (
        SELECT FROM added a
        WHERE (SELECT g.id FROM billing_grant g WHERE g.id = a.grant_id) IS NULL
    ) OR EXISTS (
        SELECT FROM added a
        WHERE a.hold_id IS NOT NULL
            AND (SELECT h.id FROM billing_hold h WHERE h.id = a.hold_id) IS NULL
    ) THEN
        RAISE EXCEPTION 'a movement needs a grant, and a hold if it names one, that exist'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
# What the trigger above inserts is right by what it is made of. (No other trigger inserts any.)
BELONGS_TRIGGER = LOCK_LAST.BELONGS_TRIGGER.replace(
    "FOR EACH STATEMENT", "FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)"
)
USER_STAYS = f"""
CREATE FUNCTION billing_user_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({OWNERS});
    IF EXISTS (
        SELECT FROM gone u
        WHERE (SELECT g.id FROM billing_grant g WHERE g.user_id = u.id LIMIT 1) IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a user who has grants can not be deleted'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
USER_STAYS_TRIGGER = """
CREATE TRIGGER billing_user_stays AFTER DELETE ON accounts_user
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION billing_user_stays()
"""
NUMBER_STAYS = """
CREATE FUNCTION billing_owner_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a grant stays its user''s, and a user''s number never changes (% %)',
        TG_TABLE_NAME, OLD.id USING ERRCODE = 'restrict_violation';
END $$
"""
NUMBER_STAYS_TRIGGERS = tuple(
    f"CREATE TRIGGER billing_owner_stays BEFORE UPDATE OF {column} ON {table}"
    f" FOR EACH ROW WHEN (OLD.{column} <> NEW.{column}) EXECUTE FUNCTION billing_owner_stays()"
    for table, column in (("billing_grant", "user_id"), ("accounts_user", "id"))
)
# Its name has a digest of Django's in it: looked up, not written down.
FOREIGN_KEY = """
SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'billing_grant'::regclass
AND confrelid = 'accounts_user'::regclass
"""
DO = (
    ISSUE,
    ISSUE_TRIGGER,
    "DROP TRIGGER billing_movement_belongs ON billing_movement",
    BELONGS,
    BELONGS_TRIGGER,
    USER_STAYS,
    USER_STAYS_TRIGGER,
    NUMBER_STAYS,
    *NUMBER_STAYS_TRIGGERS,
)
UNDO = (
    "DROP TRIGGER billing_owner_stays ON accounts_user",
    "DROP TRIGGER billing_owner_stays ON billing_grant",
    "DROP FUNCTION billing_owner_stays()",
    "DROP TRIGGER billing_user_stays ON accounts_user",
    "DROP FUNCTION billing_user_stays()",
    "DROP TRIGGER billing_grant_issue ON billing_grant",
    "DROP FUNCTION billing_grant_issue()",
    "DROP TRIGGER billing_movement_belongs ON billing_movement",
    LOCK_LAST.BELONGS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    LOCK_LAST.BELONGS_TRIGGER,
    "ALTER TABLE billing_grant ADD FOREIGN KEY (user_id)"
    " REFERENCES accounts_user (id) DEFERRABLE INITIALLY DEFERRED",
)


def apply(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    FIRST.run(schema_editor, DO)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEY)
        names = [row[0] for row in cursor.fetchall()]
    FIRST.run(schema_editor, [f'ALTER TABLE billing_grant DROP CONSTRAINT "{n}"' for n in names])


def undo(apps, schema_editor):
    FIRST.run(schema_editor, UNDO)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0011_mail_leases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="movement", name="movement_once"),
        migrations.AddConstraint(
            model_name="movement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("from_state", "issued"), _negated=True),
                fields=("grant", "key"),
                name="movement_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="movement",
            constraint=billing.models.constraints.UniqueUnlessPostgreSQL(
                condition=models.Q(("from_state", "issued")),
                fields=("grant",),
                name="movement_issues_once",
            ),
        ),
        migrations.RunPython(apply, undo),
    ]
