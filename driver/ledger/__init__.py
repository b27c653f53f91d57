"""The ledger: what was asked of engines and services, in one SQLite file per runs directory."""
