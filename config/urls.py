from django.contrib import admin
from django.urls import include, path, re_path

from builder.views.events import run_events
from config.api import api, api_not_found
from config.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
    # Before the API: the stream is async, and in production only the ASGI server gets it.
    path("api/runs/<uuid:run_id>/events", run_events, name="run-events"),
    path("api/", api.urls),
    re_path(r"^api(/|$)", api_not_found),
]
