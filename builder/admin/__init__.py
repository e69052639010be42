"""Staff's view of runs: Django finds what these modules register."""

from builder.admin import limits as limits
