"""Find the parts of pages with products that belong to none of them.

These are names and captions outside the regions of all products (except running heads, labels, and headings that are
their categories), and shown pictures without a link to a product.
"""

from collections.abc import Iterable, Sequence

from swatchbook.catalogue.describe import belongs
from swatchbook.catalogue.kinds import heading_kind, is_label
from swatchbook.catalogue.page_layout import is_name, summarise_page
from swatchbook.catalogue.running_text import find_repeated_places, text_place
from swatchbook.records import COUNTED, Link, LinkKind, LooseText, Page, Placement, Product, Unassigned, fold


def find_unassigned(
    products: Sequence[Product], placements: Sequence[Placement], links: Sequence[Link], pages: Iterable[Page]
) -> tuple[Unassigned, ...]:
    """Return the texts and pictures that belong to no product, for pages that have some. The pages are read once."""
    linked = {link.source for link in links if link.kind is LinkKind.IMAGE_PRODUCT}
    taken = {fold(name) for product in products for name in (product.name, product.category, product.family) if name}
    layouts = [summarise_page(page) for page in pages]
    running = find_repeated_places(layouts)
    found = []
    for layout in layouts:
        here = [product for product in products if layout.number in product.pages]
        if not here:
            continue
        pictures = (
            place.bbox
            for place in placements
            if place.page == layout.number and place.state in COUNTED and place.id not in linked
        )
        texts = (
            LooseText(text=text.text, bbox=text.box)
            for text in layout.texts
            if is_name(text)
            and fold(text.text) not in taken
            and not (is_label(text.text) or heading_kind(text.text))
            and text_place(text, layout) not in running
            and not any(belongs(text.box, product, layout.number) for product in here)
        )
        left = Unassigned(page=layout.number, texts=tuple(texts), pictures=tuple(pictures))
        if left.texts or left.pictures:
            found.append(left)
    return tuple(found)
