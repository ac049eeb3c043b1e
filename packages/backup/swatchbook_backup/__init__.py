"""Backups: a collection as Parquet files and stored files in a folder, for any ledger and any index."""
