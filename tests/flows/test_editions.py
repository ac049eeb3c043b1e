"""A catalogue and its newer edition, from the ingest to a delete: what has changed is reported, old prices leave the
search and come back, and pictures that stay are not embedded again.
"""

import asyncio
import json
from pathlib import Path
from uuid import UUID

from typer.testing import CliRunner

from benchmarks import bare_ingest
from swatchbook.domain.records import Editions, Hit, IngestOptions, ResultKind
from swatchbook.doors.cli.main import app
from swatchbook.flows.ingest_catalogue import ingest_catalogue
from swatchbook.index.contract import Where
from swatchbook.ingest.delete import delete
from swatchbook.ingest.register import register
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.queries.filters import facets_of
from swatchbook.store.ledger.stored_documents import all_documents, find_document, get_document
from swatchbook.upkeep.reports.edition_report import compare_documents
from swatchbook.upkeep.verify import verify
from tests.editions import FIRST, SECOND, make_edition

OLD_PRICES = {offer.name: offer.price for offer in FIRST}
NEW_PRICES = {offer.name: offer.price for offer in SECOND}


def found(resources: Resources, by: ResultKind, editions: Editions = "newest", **asked: object) -> list[Hit]:
    where = Where.model_validate({"owner": "default", "editions": editions, **asked})
    return search(resources, SearchRequest("porcelain stoneware", where=where, by=by, k=50))


def prices(hits: list[Hit]) -> set[tuple[str, str]]:
    return {(hit.title, hit.text.rpartition("price: ")[2]) for hit in hits if hit.text}


def test_a_newer_edition_from_ingest_to_delete(resources: Resources, tmp_path: Path) -> None:
    first = make_edition(tmp_path / "lumen.pdf", FIRST, year=2025)
    (tmp_path / "new").mkdir()
    second = make_edition(tmp_path / "new" / "lumen.pdf", SECOND, year=2026)
    bare_ingest.main(first)
    old = find_document(resources.ledger, "lumen.pdf", "default").id
    before = {by: {hit.id for hit in found(resources, by)} for by in ("image", "product", "chunk")}
    queued = register(resources, second, owner="default", options=IngestOptions(), edition_of=old).document
    new = queued.id
    assert prices(found(resources, "product")) == set(OLD_PRICES.items())  # until the newer one has products

    assert queued.file
    report = asyncio.run(ingest_catalogue(queued.file, edition_of=UUID(old)))
    edition = report.edition
    assert report.images_complete == report.images_found == 6
    assert edition
    assert (edition.added, edition.removed, edition.renamed, edition.changed, edition.unchanged) == (1, 1, 1, 2, 2)
    assert (edition.pictures, edition.pictures_unchanged, edition.pictures_embedded) == (6, 5, 1)
    assert set(edition.lines) == {
        "Alder: price EUR 12.50 → EUR 14.00 (page 2)", "Birke: size 30 x 60 cm → 30 x 90 cm (page 3)",
        "Cedrella: renamed from Cedro (page 4)", "Grove: added (page 7)", "Dune: removed (page 5)",
    }  # fmt: skip
    diff = compare_documents(resources.ledger, old, new)
    assert [each.by for each in diff.renamed] == ["picture"]

    # old prices and what is gone left the search, by every kind of result and in the facets
    assert prices(found(resources, "product")) == set(NEW_PRICES.items())
    assert {hit.document_id for by in ("image", "product", "chunk") for hit in found(resources, by)} == {new}
    assert {hit.product for hit in found(resources, "image")} == {offer.name for offer in SECOND}
    assert found(resources, "image", price_max=13) == []
    counted = facets_of(resources.read_cache(), "image", Where(owner="default"))
    assert counted.price
    assert counted.price.lowest == 14.0
    assert {each.value for each in counted.fields["document"].values} == {new}
    assert "Dune" not in {each.value for each in counted.fields["product"].values}

    # and are still there for who asks
    assert prices(found(resources, "product", "all")) == {*OLD_PRICES.items(), *NEW_PRICES.items()}
    assert len(found(resources, "image", "all")) == 7
    assert prices(found(resources, "product", document=(old,))) == set(OLD_PRICES.items())
    assert {hit.id for hit in found(resources, "image", document=(old,))} == before["image"]
    assert publishing.count_unpublished(resources.ledger) == 0
    assert verify(resources).sound

    delete(resources, new)
    assert get_document(resources.ledger, old).superseded_by is None
    assert {by: {hit.id for hit in found(resources, by)} for by in before} == before
    assert prices(found(resources, "product")) == set(OLD_PRICES.items())
    assert verify(resources).sound

    # not declared, the same file name alone says nothing
    bare_ingest.main(second)
    assert prices(found(resources, "product")) >= set(OLD_PRICES.items())
    again = CliRunner().invoke(app, ["ingest", str(second), "--edition-of", old[:8]])
    assert "unchanged, nothing to do" in again.output
    assert again.exit_code == 0
    shown = CliRunner().invoke(app, ["products", old[:8], "diff", new[:8]])
    assert "EUR 12.50 → EUR 14.00" in shown.output
    listed = json.loads(CliRunner().invoke(app, ["products", old[:8], "diff", new[:8], "--json"]).output)
    assert [each["name"] for each in listed["added"]] == ["Grove"]
    assert {each.id for each in all_documents(resources.ledger, None)} == {old, new}
    assert prices(found(resources, "product")) == set(NEW_PRICES.items())
