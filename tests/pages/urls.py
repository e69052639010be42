"""The app's routes and the components' gallery, which only development has."""

from django.urls import path

from builder.views.gallery_of_components import components
from config.urls import urlpatterns as app_urls

urlpatterns = [*app_urls, path("_components/", components)]
