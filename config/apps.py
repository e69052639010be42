from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project itself: brings its system checks and its request log."""

    name = "config"
    verbose_name = "Sitewright"

    def ready(self) -> None:
        from config import checks, request_log  # noqa: F401 - imported for what they register
