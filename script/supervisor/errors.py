"""What ends the supervisor with a sentence instead of a stack trace."""

from __future__ import annotations


class StartRefused(Exception):
    """Sitewright can not run here as things are. `str()` says why and what to do."""
