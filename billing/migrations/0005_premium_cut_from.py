"""Where a period ended before a refund or dispute cut it short: a won dispute puts it back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_debts")]

    operations = [
        migrations.AddField(
            model_name="premiumperiod",
            name="cut_from",
            field=models.DateTimeField(
                blank=True,
                help_text="When it would have ended, had no refund or dispute cut it short",
                null=True,
            ),
        ),
    ]
