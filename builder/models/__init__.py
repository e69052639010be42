from builder.models.health import Outage, Probe
from builder.models.learned import LearnedRange
from builder.models.limits import UserLimits
from builder.models.pictures import Picture, RunPicture
from builder.models.runs import Attempt, Run, RunText
from builder.models.sites import Blob, Site, Version, VersionFile

__all__ = [
    "Attempt",
    "Blob",
    "LearnedRange",
    "Outage",
    "Picture",
    "Probe",
    "Run",
    "RunPicture",
    "RunText",
    "Site",
    "UserLimits",
    "Version",
    "VersionFile",
]
