from builder.models.runs import Attempt, Run, RunText
from builder.models.sites import Blob, Site, Version, VersionFile

__all__ = ["Attempt", "Blob", "Run", "RunText", "Site", "Version", "VersionFile"]
