"""The revision of the first ledgers that a migration leads from; a new ledger is made by `create` of `upgrade.py`."""

revision = "0030"
down_revision = None


def upgrade() -> None:
    """Change nothing: no ledger is older."""
