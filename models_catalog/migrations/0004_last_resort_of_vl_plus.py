from django.db import migrations


def add_last_resort(apps, schema_editor):
    """Copies seeded before last resorts were known: the one model that had no fallback at all."""
    AIModel = apps.get_model("models_catalog", "AIModel")
    Fallback = apps.get_model("models_catalog", "Fallback")
    model = AIModel.objects.filter(slug="qwen-vl-plus", fallbacks=None).first()
    haiku = AIModel.objects.filter(slug="claude-3-haiku", vision=True).first()
    if model is not None and haiku is not None:
        Fallback.objects.create(model=model, fallback=haiku, position=1, last_resort=True)


class Migration(migrations.Migration):

    dependencies = [
        ('models_catalog', '0003_last_resorts'),
    ]

    operations = [
        migrations.RunPython(add_last_resort, migrations.RunPython.noop),
    ]
