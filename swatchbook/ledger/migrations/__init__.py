"""Alembic migrations of the ledger, forwards only.

To add one: change `tables.py`, write `versions/NNNN_what.py`, set HEAD. A test compares the result with the tables.
"""

HEAD = "0031"
"""The last revision, known without importing Alembic."""
