"""Editions are a chain: whatever is declared, finished and deleted in whichever order, each document has at most one
newer edition, and exactly those are superseded whose newer edition has products.
"""

from collections.abc import Collection
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Product
from swatchbook.store.ledger import document_commands, document_editions
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_editions import has_superseded, supersede
from swatchbook.store.ledger.stored_documents import all_documents, get_document
from swatchbook.store.ledger.tables import chunks, products
from swatchbook.upkeep.reports.edition_report import compare_documents
from tests.store.ledger.scene import change, put, queued, rows_of

pytestmark = pytest.mark.parametrize("database", ["sqlite"])
NUMBERS = count()


def add(ledger: Ledger, owner: str = "anna", name: str | None = None) -> str:
    """A document of an owner, with a chunk that is published, and no product yet."""
    content = f"{next(NUMBERS)}"
    document = queued(ledger, owner=owner, content=content, name=name or content).id
    made = {"dirty": 1, "made": 1, "published": 1}
    put(ledger, chunks, id=f"c{document[1:]}", document=document, text_key=content, embed=True, **made)
    return document


def declare_edition(ledger: Ledger, newer: str, older: str) -> None:
    with ledger.write() as connection:
        document_editions.declare_edition(connection, newer, older)


def finish(ledger: Ledger, document: str) -> bool:
    """Save a product, and let the document supersede an older edition, as its run does."""
    product = f"p{document[1:]}"
    if product not in rows_of(ledger, products):
        put(ledger, products, id=product, document=document)
    return supersede(ledger, document)


def delete(ledger: Ledger, document: str) -> None:
    document_commands.mark_deleting(ledger, document)
    document_commands.delete_rows(ledger, document)
    document_commands.delete_rows(ledger, document)  # again after a kill
    with ledger.write() as connection:
        connection.execute(chunks.delete().where(chunks.c.document == document))
    assert document_commands.finish_delete(ledger, document)


def superseded(ledger: Ledger, owner: str | None = None) -> set[str]:
    return {each.id for each in all_documents(ledger, owner) if each.superseded_by}


def waiting(ledger: Ledger) -> set[str]:
    """Documents of which something is to be published again."""
    query = select(chunks.c.document).where(chunks.c.dirty > chunks.c.published)
    return set(ledger.execute(query).scalars())


def test_an_edition_supersedes_once_it_has_products(ledger: Ledger) -> None:
    old, new = add(ledger), add(ledger)
    declare_edition(ledger, new, old)
    assert not supersede(ledger, new)
    assert superseded(ledger) == waiting(ledger) == set()
    assert finish(ledger, new)
    assert superseded(ledger) == waiting(ledger) == {old}
    assert not finish(ledger, new)  # again, as after a kill
    declare_edition(ledger, new, old)
    assert get_document(ledger, old).superseded_by == new
    assert has_superseded(ledger, ["anna"])
    assert has_superseded(ledger, [])
    assert not has_superseded(ledger, ["bob"])


def test_what_cannot_be_an_edition_is_refused(ledger: Ledger) -> None:
    first, second, third = (add(ledger, name=name) for name in ("first", "second", "third"))
    bobs = add(ledger, "bob")
    declare_edition(ledger, second, first)
    for newer, older, said in (
        (third, third, "itself"),
        (first, second, "an earlier edition of second"),
        (third, first, "a newer edition already: second"),
        (second, third, "an edition of first"),
        (third, bobs, "no document"),
    ):
        with pytest.raises(InvalidReference, match=said):
            declare_edition(ledger, newer, older)
    assert [get_document(ledger, each).edition_of for each in (first, second, third)] == [None, first, None]


def test_the_chain_holds_whatever_happens(ledger: Ledger) -> None:
    @settings(derandomize=True, database=None, max_examples=settings().max_examples // 4)
    @given(data=st.data())
    def hold(data: st.DataObject) -> None:
        owner = f"owner-{next(NUMBERS)}"
        there = [add(ledger, owner) for _ in range(4)]
        finished, older_of = set[str](), dict[str, str]()
        for _ in range(data.draw(st.integers(1, 10))):
            match data.draw(st.sampled_from(["declare", "declare", "finish", "finish", "delete"])):
                case "declare" if len(there) > 1:
                    newer, older = data.draw(st.permutations(there))[:2]
                    if (
                        newer not in older_of
                        and older not in older_of.values()
                        and newer not in before(older_of, older)
                    ):
                        declare_edition(ledger, newer, older)
                        older_of[newer] = older
                    elif older_of.get(newer) != older:
                        with pytest.raises(InvalidReference):
                            declare_edition(ledger, newer, older)
                case "finish" if there:
                    finished.add(document := data.draw(st.sampled_from(there)))
                    finish(ledger, document)
                case "delete" if len(there) > 1:
                    there.remove(gone := data.draw(st.sampled_from(there)))
                    was = superseded(ledger, owner)
                    change(ledger, chunks, published=chunks.c.dirty)
                    delete(ledger, gone)
                    earlier = older_of.pop(gone, None)
                    for newer in [each for each, older in older_of.items() if older == gone]:
                        del older_of[newer]
                        older_of |= {newer: earlier} if earlier else {}
                    assert was - superseded(ledger, owner) - {gone} <= waiting(ledger)  # what is searched again
                case _:
                    continue
            stored = {each.id: each.edition_of for each in all_documents(ledger, owner) if each.edition_of}
            assert stored == older_of
            assert superseded(ledger, owner) == {older for newer, older in older_of.items() if newer in finished}

    hold()


def before(older_of: dict[str, str], document: str) -> Collection[str]:
    """The document and its earlier editions."""
    chain = [document]
    while chain[-1] in older_of:
        chain.append(older_of[chain[-1]])
    return chain


def test_a_size_is_compared_under_any_label(ledger: Ledger) -> None:
    older, newer = add(ledger), add(ledger)
    for document, key, size in ((older, "size", "30 x 60 cm"), (newer, "dimensions", "30 x 90 cm")):
        product = Product(
            id=f"p{document[1:]}", name="Oak", category=None, code=None, variants=(), first_page=1, last_page=1,
            pages=(1,), metadata={key: size}, confidence=1.0, evidence=(),
        )  # fmt: skip
        put(ledger, products, id=product.id, document=document, record=product.model_dump(mode="json"))
    (changed,) = compare_documents(ledger, older, newer).changed
    assert [(each.field, each.before, each.after) for each in changed.differences] == [
        ("size", "30 x 60 cm", "30 x 90 cm")
    ]
