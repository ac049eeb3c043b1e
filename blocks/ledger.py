"""Prefect block of the ledger: the URL of its database, as a secret."""

from blocks.overlay import block_type

LedgerBlock = block_type(
    "LedgerBlock",
    "Swatchbook Ledger",
    "The database of documents, images, vectors, failures and costs.",
    ("ledger_url",),
    secret=("ledger_url",),  # it may contain a password
    module=__name__,
)
