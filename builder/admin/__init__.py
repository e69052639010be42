"""Staff's view of runs: Django finds what these modules register."""

from builder.admin import health as health
from builder.admin import limits as limits
from builder.admin import runs as runs
