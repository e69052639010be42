"""WSGI: pages and API in production, where the front routes event streams to ASGI."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config.env import EnvironmentProblems

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    django_application = get_wsgi_application()
    from config.bodies import wsgi_measured

    application = wsgi_measured(django_application)
except EnvironmentProblems as problems:
    sys.exit(str(problems))
