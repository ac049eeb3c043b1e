"""Alembic migrations of the ledger, forwards only.

To add one: change `tables.py`, write `versions/NNNN_what.py`, set HEAD. A new ledger is made from `tables.py` itself; a
test compares what migrations make of an old one with it.
"""

HEAD = "0050"
"""The last revision, known without importing Alembic."""
