"""Score what each role is worth where `devtools.score_searches` has no file to ask: by words in a folder of
pictures, and by pictures of the products of catalogues.

Usage: python -m devtools.score_roles words PICTURES QUESTIONS
       python -m devtools.score_roles pictures
The collection is the one that the settings name. PICTURES is what `samples.classes` has made, ingested by
`ingest-images PICTURES --owner classes`; QUESTIONS a file like tests/truth/questions/folder.jsonl. `pictures` asks with
each picture of a product, of all owners but `classes`, for the product's other pictures: where links are wrong, so are
the answers.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from sqlalchemy import select

from devtools.evaluation.searches import (
    Asked,
    Retrieval,
    ask_for,
    evaluate_retrieval,
    images_of_contents,
    weights_in_use,
)
from devtools.score_searches import draw
from swatchbook.domain.records import COUNTED, LinkKind, sha256
from swatchbook.domain.settings import load_settings
from swatchbook.index.contract import Where
from swatchbook.resources import Resources, open_resources
from swatchbook.search.query_pictures import Examples
from swatchbook.search.request import SearchRequest
from swatchbook.store.ledger.tables import images, links, placements

OWNER = "classes"
MOST_PICTURES = 12
"""Of a product that is asked: one with more shows several things."""


def by_words(resources: Resources, folder: Path, questions: Path) -> Retrieval:
    """Ask for the pictures of a palette by words."""
    contents = {file: sha256(file.read_bytes()) for file in sorted(folder.glob("*/*.jpg"))}
    known = images_of_contents(resources.ledger, contents.values(), OWNER)
    palettes = defaultdict[str, set[str]](set)
    for file, content in contents.items():
        palettes[file.parent.name.rpartition("-")[2]].add(known[content])
    asked = [
        ask_for(resources, SearchRequest(each["text"], where=Where(owner=OWNER)), palettes[each["palette"]])
        for each in map(json.loads, questions.read_text(encoding="utf-8").splitlines())
    ]
    return evaluate_retrieval(asked, weights_in_use(resources, text=True, image=False), 0)


def by_pictures(resources: Resources) -> Retrieval:
    """Ask with each picture that has one product for the product's others."""
    query = (
        select(links.c.target, placements.c.image, images.c.owner)
        .join(placements, placements.c.id == links.c.source)
        .join(images, images.c.id == placements.c.image)
        .where(links.c.kind == LinkKind.IMAGE_PRODUCT, placements.c.state.in_(COUNTED), images.c.owner != OWNER)
    )
    of_product, products, owners = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set), dict[str, str]()
    with resources.ledger.read() as connection:
        for product, image, owner in connection.execute(query):
            of_product[product].add(image)
            products[image].add(product)
            owners[image] = owner
    asked = list[Asked]()
    for _, pictures in sorted(of_product.items()):
        for image in sorted(pictures) if 2 <= len(pictures) <= MOST_PICTURES else ():
            if len(products[image]) == 1:
                given = SearchRequest(examples=Examples([image]), where=Where(owner=owners[image]))
                asked.append(ask_for(resources, given, pictures - {image}, aside=image))
    return evaluate_retrieval(asked, weights_in_use(resources, text=False, image=True), 0)


def main() -> None:
    """Print the table of `devtools.score_searches`."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("kind", choices=("words", "pictures"))
    parser.add_argument("files", type=Path, nargs="*")
    given = parser.parse_args()
    with open_resources(load_settings()) as resources:
        found = by_words(resources, *given.files) if given.kind == "words" else by_pictures(resources)
        Console(width=160).print(draw(found))


if __name__ == "__main__":
    main()
