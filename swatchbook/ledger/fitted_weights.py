"""Keep the weights that were fitted to an owner's documents: use them, turn them off, list them, and look them up.

The options of a document name the weights that it is read by. A new document gets those in use: the latest ones that
are not turned off. Weights stay as long as their owner has documents, so that each result can be explained.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.engine import RowMapping

from swatchbook.errors import InvalidReference
from swatchbook.ledger.database import Ledger, db_now, upsert
from swatchbook.ledger.tables import documents, fitted_weights
from swatchbook.records import FittedWeights, LeftOut


def use_weights(
    ledger: Ledger, owner: str, *, id: str, weights: str, lessons: int, left_out: Sequence[LeftOut], by: str
) -> FittedWeights:
    """Keep weights and use them for an owner's new documents; those that were turned off count again."""
    values: dict[str, Any] = {
        "weights": weights,
        "lessons": lessons,
        "left_out": [each.model_dump(mode="json") for each in left_out],
        "by": by,
        "at": db_now(),
        "off_by": None,
        "off_at": None,
    }
    with ledger.write() as connection:
        new = upsert(connection, fitted_weights).values(owner=owner, id=id, **values)
        connection.execute(new.on_conflict_do_update(index_elements=["owner", "id"], set_=values))
        return _list(connection, owner)[-1]


def turn_off(ledger: Ledger, owner: str, *, by: str) -> FittedWeights:
    """Let an owner's new documents be read by the shipped weights again; return those that were in use.

    Raises InvalidReference where none are.
    """
    with ledger.write() as connection:
        known = _list(connection, owner)
        if not known or not known[-1].in_use:
            raise InvalidReference("No fitted weights are in use.", advice="`swatchbook fit` fits them.")
        connection.execute(
            update(fitted_weights)
            .where(fitted_weights.c.owner == owner, fitted_weights.c.off_at.is_(None))
            .values(off_by=by, off_at=db_now())
        )
        return next(each for each in _list(connection, owner) if each.id == known[-1].id)


def list_weights(ledger: Ledger, owner: str) -> list[FittedWeights]:
    """Return the weights that were fitted to an owner's documents, the ones in use last."""
    with ledger.read() as connection:
        return _list(connection, owner)


def weights_in_use(ledger: Ledger, owner: str) -> str:
    """Return the id of the weights by which an owner's new documents are read, "" for the shipped ones."""
    with ledger.read() as connection:
        known = _list(connection, owner)
    return known[-1].id if known and known[-1].in_use else ""


def has_weights(ledger: Ledger, owner: str, id: str) -> bool:
    """Return whether an owner has fitted weights with this id."""
    this = (fitted_weights.c.owner == owner, fitted_weights.c.id == id)
    with ledger.read() as connection:
        return connection.execute(select(fitted_weights.c.id).where(*this)).first() is not None


def load_weights(ledger: Ledger, document: str, id: str) -> str:
    """Return fitted weights that the options of a document name. Raises InvalidReference if they are gone."""
    query = (
        select(fitted_weights.c.weights)
        .join(documents, documents.c.owner == fitted_weights.c.owner)
        .where(documents.c.id == document, fitted_weights.c.id == id)
    )
    with ledger.read() as connection:
        weights = connection.execute(query).scalar_one_or_none()
    if weights is None:
        raise InvalidReference(
            f"The fitted weights {id} are not in this ledger.", advice="Ingest the document again with --force."
        )
    return str(weights)


def forget_weights(connection: Connection, owner: str) -> None:
    """Delete the fitted weights of an owner."""
    connection.execute(delete(fitted_weights).where(fitted_weights.c.owner == owner))


def _list(connection: Connection, owner: str) -> list[FittedWeights]:
    query = select(fitted_weights).where(fitted_weights.c.owner == owner)
    rows = sorted(connection.execute(query).mappings(), key=lambda row: (row["off_at"] is None, row["at"], row["id"]))
    return [_read(row, in_use=row is rows[-1] and row["off_at"] is None) for row in rows]


def _read(row: RowMapping, *, in_use: bool) -> FittedWeights:
    left_out = tuple(LeftOut.model_validate(each) for each in row["left_out"])
    kept = {name: value for name, value in row.items() if name not in ("weights", "left_out")}
    return FittedWeights(**kept, left_out=left_out, in_use=in_use)
