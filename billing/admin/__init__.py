"""Staff's view of tokens and money."""

from billing.admin import ledger, records, sales

__all__ = ["ledger", "records", "sales"]
