"""What people and programs read from the ledger. Nothing here writes."""
