"""Let a Prefect server do what the ledger says is due, and keep it as it says."""
