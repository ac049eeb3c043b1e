"""Apply edits by hand to the products and links that were found: one after the other, in their order.

A product is found again by the box of its name on the page, else by its name there. An edit that finds nothing to
change says why, and the others still hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from swatchbook.domain.records import (
    DISAGREEMENT,
    Anchor,
    Assembly,
    Edit,
    Evidence,
    Fact,
    Hide,
    Link,
    LinkKind,
    Merge,
    Product,
    Rename,
    SetFact,
    Split,
    StoredEdit,
    fold,
    identity,
)
from swatchbook_base.geometry import Box, area, shared_area

SAME_NAME: Final = 0.3
"""Boxes of a name are the same when they share this part of their union: a later version may join or part its lines."""

BY_HAND: Final = "by hand"
"""Rule of the evidence of what a person entered."""


OWN_FIELDS: Final = ("category", "code")
"""Facts that are fields of a product; the others are values of its `metadata`."""


class NotApplicable(Exception):
    """An edit finds nothing to change; the message says why."""


def apply_edits(
    found: Assembly,
    edits: Mapping[int, Edit],
    *,
    document: str,
    page_of: Mapping[str, int],
) -> tuple[Assembly, dict[int, str]]:
    """Return products and links with the edits, and for each edit that changes nothing the reason, by its number.

    `edits`: by number, in order; `page_of`: placement or chunk -> its first page.
    """
    assembly, problems = found, dict[int, str]()
    for number, edit in edits.items():
        try:
            assembly = _Editor(assembly, document, number, page_of).apply(edit)
        except NotApplicable as reason:
            problems[number] = str(reason)
    return assembly, problems


def anchor_of(product: Product) -> Anchor:
    """Return where a product is: where its name is first printed, else its first page."""
    named = [place for place in product.occurrences if place.text] or list(product.occurrences)
    if named:
        return Anchor(page=named[0].page, box=named[0].bbox, name=product.name)
    return Anchor(page=product.first_page, name=product.name)


def find_product(products: Iterable[Product], anchor: Anchor) -> Product | None:
    """Return the product whose name's box is there, of several the one of this name; else the only one on the page of
    this name.
    """
    here = [p for p in products if anchor.page in p.pages or any(o.page == anchor.page for o in p.occurrences)]
    if anchor.box and (there := _at_box(here, anchor.page, anchor.box, anchor.name)):
        return there
    same = [product for product in here if _has_name(product, anchor.name)]
    return same[0] if len(same) == 1 else None


def _at_box(products: Iterable[Product], page: int, box: Box, name: str) -> Product | None:
    """Return the product with this box on a page, of several the one of this name, else the one most like it."""
    found = [
        (_has_name(product, name), share, product)
        for product in products
        for place in product.occurrences
        if place.page == page and (share := _share(place.bbox, box)) >= SAME_NAME
    ]
    return max(found, key=lambda each: each[:2])[2] if found else None


def _has_name(product: Product, name: str) -> bool:
    return fold(product.name) == fold(name)


def _share(a: Box, b: Box) -> float:
    """Return the part of the union of two boxes that both cover, 0 to 1."""
    shared = shared_area(a, b)
    return shared / max(area(a) + area(b) - shared, 1.0)


class _Editor:
    """One edit of an assembly, by its number."""

    def __init__(self, assembly: Assembly, document: str, number: int, page_of: Mapping[str, int]) -> None:
        self._products, self._links = assembly.products, assembly.links
        self._document, self._number, self._page_of = document, number, page_of

    def apply(self, edit: Edit) -> Assembly:
        """Return the assembly with this edit. Raises NotApplicable."""
        match edit:
            case Rename():
                return self._rename(self._product(edit.product), edit.name)
            case Merge():
                return self._merge([self._product(anchor) for anchor in edit.products])
            case Split():
                return self._split(self._product(edit.product), edit.page, edit.name)
            case Hide():
                return self._hide(self._product(edit.product))
            case SetFact():
                return self._set_fact(self._product(edit.product), edit.fact, edit.value)

    def _product(self, anchor: Anchor) -> Product:
        if product := find_product(self._products, anchor):
            return product
        raise NotApplicable(f"Page {anchor.page} has no product {anchor.name!r} any more.")

    def _evidence(self, page: int | None, text: str, **detail: str) -> Evidence:
        return Evidence(rule=BY_HAND, page=page, text=text, detail={"edit": self._number, **detail})

    def _rename(self, product: Product, name: str) -> Assembly:
        evidence = self._evidence(product.first_page, f"{product.name} → {name}")
        return self._changed(_confirmed(product, evidence, name=name))

    def _merge(self, products: Sequence[Product]) -> Assembly:
        first, *others = {product.id: product for product in products}.values()
        if not others:
            raise NotApplicable(f"These are one product already: {first.name!r}.")
        pages = tuple(sorted({page for product in products for page in product.pages}))
        evidence = self._evidence(pages[0], " + ".join(product.name for product in products))
        metadata = dict[str, str]()
        for product in products:
            metadata = product.metadata | metadata
        merged = _confirmed(
            first.model_copy(update={"evidence": tuple(e for product in products for e in product.evidence)}),
            evidence,
            **_of_pages(pages),
            occurrences=tuple(place for product in products for place in product.occurrences),
            variants=tuple(dict.fromkeys(variant for product in products for variant in product.variants)),
            metadata=metadata,
            facts=_facts_of(products),
            code=next((product.code for product in products if product.code), None),
        )
        merged_ids = {product.id for product in others}
        kept = [_led_to(link, first.id) if link.target in merged_ids else link for link in self._links]
        return Assembly(
            products=tuple(
                merged if product.id == first.id else product
                for product in self._products
                if product.id not in merged_ids
            ),
            links=_best_links(kept),
        )

    def _split(self, product: Product, page: int, name: str) -> Assembly:
        before = tuple(number for number in product.pages if number < page)
        after = tuple(number for number in product.pages if number >= page)
        if not before or not after:
            raise NotApplicable(f"{product.name!r} is not on pages both before and from page {page}.")
        places = [place for place in product.occurrences if place.page >= page]
        read_after = {str(e.detail["key"]) for e in product.evidence if "key" in e.detail and (e.page or 0) >= page}
        moved_variants = tuple(variant for variant in product.variants if (variant.page or 0) >= page)
        evidence = self._evidence(page, f"{product.name} | {name}")
        first = _confirmed(
            product,
            evidence,
            **_of_pages(before),
            occurrences=tuple(place for place in product.occurrences if place.page < page),
            variants=tuple(variant for variant in product.variants if variant not in moved_variants),
            metadata={key: value for key, value in product.metadata.items() if key not in read_after},
            facts=tuple(fact for fact in product.facts if fact.key not in read_after),
        )
        second = product.model_copy(
            update={
                "id": identity("edit", self._document, self._number),
                "name": name,
                "code": None,
                "variants": moved_variants,
                "confidence": 1.0,
                **_of_pages(after),
                "occurrences": tuple(places),
                "metadata": {key: value for key, value in product.metadata.items() if key in read_after},
                "facts": tuple(fact for fact in product.facts if fact.key in read_after),
                "evidence": (evidence, *(e for e in product.evidence if (e.page or 0) >= page)),
            }
        )
        links = tuple(
            _led_to(link, second.id)
            if link.target == product.id and self._page_of.get(link.source, 0) >= page
            else link
            for link in self._links
        )
        return Assembly(products=_inserted(self._changed(first).products, second), links=links)

    def _hide(self, product: Product) -> Assembly:
        return Assembly(
            products=tuple(p for p in self._products if p.id != product.id),
            links=tuple(link for link in self._links if link.target != product.id),
        )

    def _set_fact(self, product: Product, name: str, value: str) -> Assembly:
        """Give a fact a value, or remove it; the place where it was read is kept: it still shows what is meant."""
        before = fact_values(product).get(name, "")
        if not value and not before:
            raise NotApplicable(f"{product.name!r} has no {name.replace('_', ' ')} any more.")
        known = next((fact for fact in product.facts if fact.key == name), None)
        page, box = (known.page, known.bbox) if known else (product.first_page, None)
        label = known.label if known else name.replace("_", " ")
        facts = [fact for fact in product.facts if fact.key != name]
        if name in OWN_FIELDS:
            values: dict[str, object] = {name: value or None}
        else:
            metadata = {key: text for key, text in product.metadata.items() if key != name}
            values = {"metadata": metadata | ({name: value} if value else {})}
            if value:
                facts.append(Fact(key=name, value=value, label=label, page=page, bbox=box, rule=BY_HAND))
        text = f"{name}: {before} → {value}" if before else f"{name}: {value}"
        evidence = self._evidence(page, text.rstrip(), key=name)
        return self._changed(_confirmed(product, evidence, facts=tuple(facts), **values))

    def _changed(self, changed: Product) -> Assembly:
        products = tuple(changed if product.id == changed.id else product for product in self._products)
        return Assembly(products=products, links=self._links)


def _facts_of(products: Iterable[Product]) -> tuple[Fact, ...]:
    """Return the facts of several products, each from the first product that has it."""
    facts, known = list[Fact](), set[str]()
    for product in products:
        facts += [fact for fact in product.facts if fact.key not in known]
        known |= product.metadata.keys()
    return tuple(facts)


def fact_values(product: Product) -> dict[str, str]:
    """Return the facts of a product by name: its category and code, and the values of `metadata`."""
    own = {name: getattr(product, name) for name in OWN_FIELDS}
    return {name: value for name, value in (own | product.metadata).items() if value}


def _confirmed(product: Product, evidence: Evidence, **values: object) -> Product:
    """Return a product with these values, of which a person is sure."""
    settled = (e for e in product.evidence if e.rule != DISAGREEMENT)
    return product.model_copy(update={**values, "confidence": 1.0, "evidence": (evidence, *settled)})


def _of_pages(pages: tuple[int, ...]) -> dict[str, object]:
    return {"first_page": pages[0], "last_page": pages[-1], "pages": pages}


def _led_to(link: Link, product: str) -> Link:
    return link.model_copy(update={"target": product})


def _inserted(products: Sequence[Product], new: Product) -> tuple[Product, ...]:
    """Return the products with a new one, in the order of their first pages."""
    place = max((n for n, p in enumerate(products, start=1) if p.first_page <= new.first_page), default=0)
    return (*products[:place], new, *products[place:])


def _best_links(links: Iterable[Link]) -> tuple[Link, ...]:
    """Return each (kind, source, target) once, with the highest score."""
    best = dict[tuple[LinkKind, str, str], Link]()
    for link in links:
        key = link.kind, link.source, link.target
        if key not in best or best[key].score < link.score:
            best[key] = link
    return tuple(best.values())


def describe_edit(edit: Edit) -> str:
    """Return an edit in a few words, for people."""

    def names(anchors: Iterable[Anchor]) -> str:
        return ", ".join(f"{anchor.name} (page {anchor.page})" for anchor in anchors)

    match edit:
        case Rename():
            return f"rename {names([edit.product])} to {edit.name}"
        case Merge():
            return f"merge {names(edit.products[1:])} into {names(edit.products[:1])}"
        case Split():
            return f"split {names([edit.product])} after page {edit.page - 1}: then {edit.name}"
        case Hide():
            return f"hide {names([edit.product])}"
        case SetFact():
            fact = f"{edit.fact.replace('_', ' ')} of {names([edit.product])}"
            return f"set {fact} to {edit.value}" if edit.value else f"remove {fact}"


def edits_of(product: Product, edits: Sequence[StoredEdit]) -> list[StoredEdit]:
    """Return the edits that changed a product, in order."""
    numbers = {each.detail.get("edit") for each in product.evidence if each.rule == BY_HAND}
    return [each for each in edits if each.number in numbers and each.undone_at is None]
