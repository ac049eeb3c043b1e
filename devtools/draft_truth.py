"""Print the first draft of a truth file, from the present result of an ingested catalogue, with its edits by hand. A
person corrects it by looking at the pages: until then it says nothing, since the result that it was made of scores 1.

Usage: python -m devtools.draft_truth DOCUMENT [--owner NAME]
The collection is the one that the settings name. DOCUMENT: id, unique id prefix, or file name.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swatchbook.domain.records import DEFAULT_OWNER, LinkKind, PlacementState
from swatchbook.domain.settings import load_settings
from swatchbook.doors.cli.terminal import say_json
from swatchbook.resources import open_resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.stored_documents import Document, find_document
from swatchbook_web.inspection import require_pages


def main() -> None:
    """Print the draft as JSON."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("document")
    parser.add_argument("--owner", default=DEFAULT_OWNER)
    given = parser.parse_args()
    with open_resources(load_settings()) as resources:
        say_json(draft_of(resources.ledger, find_document(resources.ledger, given.document, given.owner)))


def draft_of(ledger: Ledger, document: Document) -> dict[str, Any]:
    """Return a truth file for a document, to correct by hand. Raises InvalidReference for one without pages."""
    require_pages(document)
    return draft(show_document(ledger, document.id))


def draft(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels that a document's result amounts to. `shown` is what `show_document` returns.

    Every linked picture is labelled with its role, and every one that is not shown as a trap, with the reason.
    """
    document = shown["document"]
    products = shown["products"]
    ids = {product["id"]: f"p{product['first_page']:02}-{n:03}" for n, product in enumerate(products, start=1)}
    names = {product["id"]: product["name"] for product in products}
    placements = {place["id"]: place for image in shown["images"] for place in image["placements"]}
    linked = sorted(
        (
            placements[link["source"]]["page"],
            placements[link["source"]]["bbox"],
            link["source"],
            link["target"],
            link["role"],
        )
        for link in shown["links"]
        if link["kind"] == LinkKind.IMAGE_PRODUCT and link["source"] in placements and link["target"] in ids
    )
    links = [
        {
            "page": page,
            "image_hint": _hint(placements[source]),
            "product": ids[target],
            "role": role or "photo",
            "product_name": names[target],
        }
        for page, _, source, target, role in linked
    ]
    return {
        "slug": Path(document["name"]).stem,
        "source": {"file": document["name"]},
        "sha256": document["content"],
        "size": document["size"],
        "pages": document["page_count"],
        "products": [_product(product, ids[product["id"]]) for product in products],
        "families": [{"name": name, "pages": pages} for name, pages in _families(products).items()],
        "image_links": links,
        "image_traps": [
            {"page": place["page"], "image_hint": _hint(place), "product": None, "role": place["reason"] or ""}
            for place in placements.values()
            if place["state"] in (PlacementState.HIDDEN, PlacementState.DECORATIVE)
        ],
        "all_product_images": len(links),
        "notes": [],
    }


def _families(products: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Return the name of each family -> the pages of its products."""
    pages: dict[str, set[int]] = {}
    for product in products:
        if product["family"]:
            pages.setdefault(product["family"], set()).update(product["pages"])
    return {name: sorted(of_family) for name, of_family in pages.items()}


def _product(product: Mapping[str, Any], label_id: str) -> dict[str, Any]:
    said = ("name", "first_page", "last_page", "category", "code", "metadata")
    grains = {"variants": "variant", "parts": "part"}
    listed = {key: [v["name"] for v in product["variants"] if v["grain"] == grain] for key, grain in grains.items()}
    filled = {field: value for field, value in ({f: product[f] for f in said} | listed).items() if value}
    return {"id": label_id} | filled


def _hint(place: Mapping[str, Any]) -> dict[str, Any]:
    hint = {"xref": place["xref"], "bbox": [round(side) for side in place["bbox"]]}
    return hint | ({"region_of_page_raster": True} if place["kind"] == "region" else {})


if __name__ == "__main__":
    main()
