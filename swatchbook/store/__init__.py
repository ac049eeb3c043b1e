"""What is kept: the SQL ledger, the file store, and the backup of both."""
