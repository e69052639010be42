"""Mutation testing and branch coverage of the ledger (docs/mutation.md): `script/mutation`."""
