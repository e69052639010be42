#!/usr/bin/env python
"""Django's command line. A wrong environment ends in one readable list, not a stack trace."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.env import EnvironmentProblems

    try:
        from django.conf import settings

        settings.INSTALLED_APPS  # noqa: B018 - loads the settings here, where the error can be told
    except EnvironmentProblems as problems:
        sys.exit(str(problems))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
