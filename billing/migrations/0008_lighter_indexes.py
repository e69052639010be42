"""Fewer index entries per row of the ledger, for what writes a million of them.

`unique=True` on text makes a second index, for LIKE, which nobody asks; movements without a hold
need no entry in the index by hold; one index of a user's grants serves for what can be spent and
for all of them.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0007_staff_actions_stay'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='grant',
            name='grant_spendable',
        ),
        migrations.AlterField(
            model_name='grant',
            name='source',
            field=models.CharField(help_text='The business fact it comes from, once', max_length=200),
        ),
        migrations.AlterField(
            model_name='grant',
            name='user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='hold',
            name='key',
            field=models.CharField(help_text='What it is for, e.g. run:<id>', max_length=200),
        ),
        migrations.AlterField(
            model_name='movement',
            name='hold',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='billing.hold'),
        ),
        migrations.AlterField(
            model_name='movement',
            name='key',
            field=models.CharField(help_text='Idempotency key', max_length=255),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(fields=['user', 'spendable', 'priority', 'expires_at', 'id'], name='grant_of_user'),
        ),
        migrations.AddIndex(
            model_name='movement',
            index=models.Index(condition=models.Q(('hold__isnull', False)), fields=['hold'], name='movement_of_hold'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.UniqueConstraint(fields=('source',), name='grant_source_once'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.UniqueConstraint(fields=('key',), name='hold_key_once'),
        ),
        migrations.AddConstraint(
            model_name='movement',
            constraint=models.UniqueConstraint(fields=('key',), name='movement_key_once'),
        ),
    ]
