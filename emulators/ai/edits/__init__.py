"""Changes to a site that a follow-up request asks for."""

from emulators.ai.edits.change import Change, Edit
from emulators.ai.edits.requests import change_site

__all__ = ["Change", "Edit", "change_site"]
