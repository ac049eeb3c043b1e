"""How a ledger of an earlier version becomes one of this: Alembic migrations, forwards only.

To add one: change `tables.py`, write `versions/NNNN_what.py`, set HEAD. A test compares both ways to the schema.
"""

HEAD = "0007"
"""The last revision, known without importing Alembic."""
