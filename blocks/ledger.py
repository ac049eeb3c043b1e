"""The ledger as a Prefect block."""

from blocks.overlay import block_type

LedgerBlock = block_type(
    "LedgerBlock",
    "Swatchbook Ledger",
    "The database that keeps the record: documents, images, vectors, failures, costs.",
    ("ledger_url",),
    secret=("ledger_url",),  # a password may stand in it
    module=__name__,
)
