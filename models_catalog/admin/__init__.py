"""Staff's view of the catalogue: its rows, and what differs from the providers' lists."""

from models_catalog.admin.findings import CatalogueFindingAdmin
from models_catalog.admin.rows import AIModelAdmin, ProviderAdmin, RouteAdmin

__all__ = ["AIModelAdmin", "CatalogueFindingAdmin", "ProviderAdmin", "RouteAdmin"]
