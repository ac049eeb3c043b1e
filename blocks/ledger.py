"""The ledger as a Prefect block."""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.overlay import overlay
from swatchbook.ledger.database import Ledger
from swatchbook.resources import Resources
from swatchbook.settings import load_settings


class LedgerBlock(Block):
    """The database that keeps the record: documents, images, vectors, failures, costs."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Ledger"
    _block_type_slug: ClassVar[str | None] = "swatchbook-ledger"

    ledger_url: SecretStr | None = Field(
        default=None,
        title="URL",
        description="SQLAlchemy URL, password included; empty: SQLite under the home of whoever uses it.",
    )

    def get_ledger(self) -> Ledger:
        """The open ledger. Raises LedgerDown, Configuration."""
        return Resources(overlay(load_settings(), self)).ledger
