"""Calls to providers: each reserved before it is sent, its answer and cost kept as soon as it is there."""

from dataclasses import dataclass

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Run


@dataclass(frozen=True)
class Book:
    """Who pays for a call: a run at a document, for one of its stages."""

    ledger: Ledger
    run: Run
    stage: str
