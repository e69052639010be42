"""What beat rings for runs. `manage.py beat_seed` puts it into django-celery-beat's tables."""

from billing.schedule import Crontab, Every, Periodic

SCHEDULE = (
    Periodic("runs: ring again for those not picked up", "builder.tasks.runs_sweep", Every(15)),
    Periodic("runs: end those whose worker is gone", "builder.tasks.runs_reap", Every(15)),
    Periodic("runs: learn how long answers are", "builder.tasks.ranges_learn", Every(3600)),
    Periodic("providers: probe each", "builder.tasks.providers_probe", Every(120)),
    Periodic(
        "pictures: forget those never sent",
        "builder.tasks.pictures_prune",
        Crontab(minute="20", hour="5"),
    ),
    Periodic(
        "catalogue: compare with the providers",
        "builder.tasks.catalogue_check",
        Crontab(minute="50", hour="4"),
    ),
)
