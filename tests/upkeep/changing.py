"""What the tests of a change of model share: small catalogues, which pairs are searched, and what is left of dropped
ones, in the ledger and in the index itself.
"""

import json
import urllib.request
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select

from swatchbook.domain.records import RoleTag
from swatchbook.index.contract import Space
from swatchbook.resources import Resources
from swatchbook.store.ledger import space_registry
from swatchbook.store.ledger.tables import metadata
from swatchbook.upkeep.fill_missing import Fill, Filled, fill_missing
from tests.models.providers.standin import Provider
from tests.pdf.making import Paper, gradient, png


def small_catalogue(folder: Path, number: int) -> Path:
    """Two pages with a picture and a text each, which no other number has."""
    paper = Paper()
    for page in (1, 2):
        sheet = paper.page(f"Tile No. {number}.{page}, oak, 60 x 120 cm, for floors and walls")
        sheet.insert_image((50, 100, 350, 400), stream=png(gradient(150 + number, 150, seed=page)))
    path = folder / f"catalogue {number}.pdf"
    paper.document.save(path)
    return path


def fill(resources: Resources) -> Filled:
    """Fill the spaces of the models in the settings."""
    return fill_missing(resources, Fill(spaces="chosen"))


def active_pairs(resources: Resources) -> set[RoleTag]:
    return {each.pair for each in space_registry.active_spaces(resources.ledger).values()}


def rows_left(resources: Resources, pairs: Collection[RoleTag]) -> list[str]:
    """Tables of the ledger that have rows of one of these pairs, with the pair."""
    left = []
    for table in metadata.sorted_tables:
        if {"role", "tag"} <= set(table.c.keys()):
            for row in resources.ledger.execute(select(table.c.role, table.c.tag).distinct()):
                if any((pair.role.value, pair.tag) == (row.role, row.tag) for pair in pairs):
                    left.append(f"{table.name}: {row.role} by {row.tag}")
    return left


def index_left(resources: Resources, pairs: Collection[RoleTag]) -> list[str]:
    """Files of LanceDB, or collections and aliases of Weaviate, named after the space of one of these pairs."""
    spaces = [Space(role=pair.role, tag=pair.tag, dimension=1).name for pair in pairs]
    return [name for name in _names(resources) if any(space in name for space in spaces)]


def _names(resources: Resources) -> list[str]:
    settings = resources.settings
    if settings.index == "lance":
        return [path.name for path in settings.index_folder.iterdir()]
    key = settings.weaviate.api_key

    def get(path: str) -> dict[str, list[dict[str, str]]]:
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        request = urllib.request.Request(f"{settings.weaviate.url}/v1/{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, list[dict[str, str]]] = json.load(answer)
            return found

    collections = [each["class"] for each in get("schema")["classes"] or ()]
    return collections + [f"{each['alias']} -> {each['class']}" for each in get("aliases")["aliases"] or ()]


def asked_as_documents(voyage: Provider) -> Counter[str]:
    """Text -> how often its vector as a document was asked for, and not refused."""
    return Counter(
        text
        for asked, fault in list(voyage.asked)
        if fault is None and asked.body.get("input_type") == "document"
        for text in asked.texts
    )
