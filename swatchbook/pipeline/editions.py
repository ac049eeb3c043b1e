"""Declare a document the newer edition of another one, and publish what that changes."""

from swatchbook.ledger import editions
from swatchbook.pipeline.publish import publish_soon
from swatchbook.resources import Resources


def declare_edition(resources: Resources, newer: str, older: str) -> None:
    """Record that a document is the newer edition of another one, and publish that if it has products already.

    Raises InvalidReference where it cannot be one.
    """
    editions.declare_edition(resources.ledger, newer, older)
    publish_soon(resources, older)
