from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from billing.stripe.webhook_door import webhook
from builder.views import dashboard, gallery_of_components, pages, staff_catalogue, usage
from builder.views.events import run_events
from config.api import api, api_not_found
from config.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", pages.home, name="home"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("usage/", usage.usage, name="usage"),
    path("usage/receipts.csv", usage.receipts_csv, name="receipts-csv"),
    path("usage/<uuid:run_id>/", usage.receipt, name="receipt"),
    path("pricing/", pages.pricing, name="pricing"),
    path("models/", pages.models, name="models"),
    path("gallery/", pages.gallery, name="gallery"),
    path("help/", pages.help_page, name="help"),
    path("status/", pages.status, name="status"),
    path("sites/", include("builder.urls")),
    path("", include("billing.urls")),
    path("", include("accounts.urls")),
    # Before the admin's own addresses, behind its door.
    path(
        "admin/margin/",
        admin.site.admin_view(staff_catalogue.margin),
        name="staff-margin",
    ),
    path(
        "admin/margin.csv",
        admin.site.admin_view(staff_catalogue.margin_csv),
        name="staff-margin-csv",
    ),
    path(
        "admin/catalogue/compare/",
        admin.site.admin_view(staff_catalogue.compare),
        name="staff-catalogue-compare",
    ),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    # Before dj-stripe's own: it looks first, and then hands on to it.
    path("stripe/webhook/<uuid:uuid>/", webhook, name="stripe-webhook"),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
    # Before the API: the stream is async, and in production only the ASGI server gets it.
    path("api/runs/<uuid:run_id>/events", run_events, name="run-events"),
    path("api/", api.urls),
    re_path(r"^api(?:/|$)", api_not_found),
]
if settings.DEBUG:
    urlpatterns.append(path("_components/", gallery_of_components.components, name="components"))
