"""What is kept: the SQL ledger and the file store."""
