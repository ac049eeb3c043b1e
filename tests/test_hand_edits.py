"""What edits by hand change, and that they hold when the document is read otherwise: other ids, names and boxes."""

from collections.abc import Mapping

from swatchbook.domain.product_edits import BY_HAND, anchor_of, apply_edits, edits_of
from swatchbook.domain.records import (
    Anchor,
    Assembly,
    Edit,
    Evidence,
    Fact,
    Hide,
    Link,
    LinkKind,
    Merge,
    Occurrence,
    Product,
    Rename,
    SetFact,
    Split,
    StoredEdit,
    Variant,
    identity,
)
from swatchbook_base.geometry import Box

ABOVE: Box = (0, 0, 500, 400)
PAGE_OF: Mapping[str, int] = {f"{kind} {page}": page for kind in ("picture", "chunk") for page in (1, 2, 3, 4)}


def product(name: str, *pages: int, box: Box = (50, 50, 150, 70), **given: object) -> Product:
    """A product whose name is printed in this box of each of its pages."""
    fields = {
        "id": identity("product", name, pages), "name": name, "category": None, "code": None, "variants": (),
        "first_page": pages[0], "last_page": pages[-1], "pages": pages, "metadata": {}, "confidence": 0.6,
        "evidence": (), "occurrences": tuple(Occurrence(page=p, bbox=box, region=ABOVE, text=name) for p in pages),
    }  # fmt: skip
    return Product.model_validate(fields | given)


def assembly(*products: Product) -> Assembly:
    """The products, each with the picture and the text of each of its pages."""
    ends = [(p, page) for p in products for page in p.pages]
    pictures = [Link(kind=LinkKind.IMAGE_PRODUCT, source=f"picture {n}", target=p.id, score=0.7) for p, n in ends]
    texts = [Link(kind=LinkKind.CHUNK_PRODUCT, source=f"chunk {n}", target=p.id, score=0.7) for p, n in ends]
    return Assembly(products=products, links=(*pictures, *texts))


def edited(found: Assembly, *edits: Edit) -> tuple[Assembly, dict[int, str]]:
    numbered = dict(enumerate(edits, start=1))
    return apply_edits(found, numbered, document="d", page_of=PAGE_OF)


def shows(result: Assembly, kind: LinkKind = LinkKind.IMAGE_PRODUCT) -> dict[str, list[str]]:
    """name of a product -> the sources that lead to it; every link leads to a product."""
    names = {p.id: p.name for p in result.products}
    assert {link.target for link in result.links} <= names.keys()
    return {name: [li.source for li in result.links if li.target == i and li.kind is kind] for i, name in names.items()}


OAK, ELM, ASH = product("Oak", 1, 2), product("Elm", 3), product("Ash", 4)
FOUND = assembly(OAK, ELM, ASH)


def test_each_edit_changes_only_what_it_says() -> None:
    result, problems = edited(
        FOUND,
        Rename[Anchor](product=anchor_of(ELM), name="Wych elm"),
        Split[Anchor](product=anchor_of(OAK), page=2, name="Cork oak"),
        Hide[Anchor](product=anchor_of(ASH)),
    )
    assert problems == {}
    assert [(p.name, p.pages) for p in result.products] == [
        ("Oak", (1,)), ("Cork oak", (2,)), ("Wych elm", (3,))
    ]  # fmt: skip
    assert shows(result) == {"Oak": ["picture 1"], "Cork oak": ["picture 2"], "Wych elm": ["picture 3"]}
    assert shows(result, LinkKind.CHUNK_PRODUCT)["Cork oak"] == ["chunk 2"]
    assert [p.id for p in result.products if p.name in ("Oak", "Wych elm")] == [OAK.id, ELM.id], "ids stay"
    assert {p.confidence for p in result.products} == {1.0}


def test_products_that_are_merged_keep_what_each_has() -> None:
    red, blue, equal = Variant(name="red"), Variant(name="blue"), Variant(name="red")
    first = product("Oak", 1, metadata={"size": "20 cm"}, variants=(red,))
    second = product("Oak table", 2, metadata={"size": "30 cm", "weight": "2 kg"}, variants=(equal, blue), code="A1")
    result, problems = edited(assembly(first, second), Merge[Anchor](products=(anchor_of(first), anchor_of(second))))
    assert problems == {}
    (one,) = result.products
    assert (one.id, one.pages, one.code) == (first.id, (1, 2), "A1")
    assert one.variants == (red, blue)
    assert one.metadata == {"size": "20 cm", "weight": "2 kg"}
    assert shows(result)["Oak"] == ["picture 1", "picture 2"]


def test_edit_finds_its_product_by_box_or_name() -> None:
    rename = Rename[Anchor](product=anchor_of(ELM), name="Wych elm")
    for read_otherwise in (
        product("ELM 20", 3, box=(50, 50, 150, 80)),  # its second line is part of the name now
        product("Elm", 3, box=(50, 600, 150, 620)),
        product("elm", 3, occurrences=()),
    ):
        other = product("Beech", 3, box=(300, 50, 400, 70))
        result, problems = edited(assembly(OAK, read_otherwise, other), rename)
        assert problems == {}
        assert [p.name for p in result.products] == ["Oak", "Wych elm", "Beech"]


def test_an_edit_without_its_product_says_so() -> None:
    result, problems = edited(
        assembly(OAK, ASH),
        Rename[Anchor](product=anchor_of(ELM), name="Wych elm"),
        Rename[Anchor](product=anchor_of(OAK), name="Holm oak"),
        Split[Anchor](product=anchor_of(ASH), page=4, name="Ash 2"),
        Merge[Anchor](products=(anchor_of(OAK), anchor_of(OAK))),
    )
    assert problems.keys() == {1, 3, 4}
    assert "'Elm'" in problems[1]
    assert [p.name for p in result.products] == ["Holm oak", "Ash"]


def test_name_decides_between_two_products_in_one_box() -> None:
    family, member = product("Oak", 1), product("Oak small", 1)
    for named in (family, member):
        result, _ = edited(assembly(family, member), Hide[Anchor](product=anchor_of(named)))
        assert [p.name for p in result.products] == [p.name for p in (family, member) if p is not named]


def fact(key: str, value: str, page: int) -> Fact:
    return Fact(key=key, value=value, label=key.title(), page=page, bbox=ABOVE, rule="table")


READ = product(
    "Elm", 3, category="Wood", metadata={"size": "20 cm", "weight": "2 kg"},
    facts=(fact("size", "20 cm", 3), fact("weight", "2 kg", 3)), confidence=0.4,
)  # fmt: skip


def test_fact_set_by_hand_keeps_its_original_place() -> None:
    set_size = SetFact[Anchor](product=anchor_of(READ), fact="Size", value="20 × 30 cm")
    result, problems = edited(assembly(OAK, READ), set_size)
    assert problems == {}
    _, elm = result.products
    assert elm.metadata == {"size": "20 × 30 cm", "weight": "2 kg"}
    (size,) = [each for each in elm.facts if each.key == "size"]
    assert (size.value, size.page, size.bbox, size.rule) == ("20 × 30 cm", 3, ABOVE, BY_HAND)
    assert elm.evidence[0].text == "size: 20 cm → 20 × 30 cm"
    assert elm.confidence == 1.0
    assert result.products[0] == OAK


def test_facts_are_added_and_removed() -> None:
    at = anchor_of(READ)
    result, problems = edited(
        assembly(READ),
        SetFact[Anchor](product=at, fact="Slip  rating", value="R10"),
        SetFact[Anchor](product=at, fact="code", value="E-1"),
        *(SetFact[Anchor](product=at, fact=name, value="") for name in ("weight", "category", "smell")),
    )
    (elm,) = result.products
    assert elm.metadata == {"size": "20 cm", "slip_rating": "R10"}
    assert {each.key for each in elm.facts} == {"size", "slip_rating"}
    assert (elm.code, elm.category) == ("E-1", None)
    assert problems == {5: "'Elm' has no smell any more."}


def test_merged_and_split_products_keep_their_facts() -> None:
    ash = product(
        "Ash",
        4,
        metadata={"size": "9 cm", "finish": "oiled"},
        facts=(fact("size", "9 cm", 4), fact("finish", "oiled", 4)),
    )
    (one,) = edited(assembly(READ, ash), Merge[Anchor](products=(anchor_of(READ), anchor_of(ash))))[0].products
    assert {each.key: each.value for each in one.facts} == one.metadata
    read = tuple(Evidence(rule="label", page=page, detail={"key": key}) for key, page in (("size", 1), ("weight", 2)))
    oak = product("Oak", 1, 2, metadata={**READ.metadata, "brand": "B"}, facts=READ.facts, evidence=read)
    result, _ = edited(assembly(oak), Split[Anchor](product=anchor_of(oak), page=2, name="Cork"))
    assert [p.metadata for p in result.products] == [{"size": "20 cm", "brand": "B"}, {"weight": "2 kg"}]
    assert [{each.key for each in p.facts} for p in result.products] == [{"size"}, {"weight"}]


def test_edits_of_product_are_those_that_changed_it() -> None:
    made: list[Edit] = [
        Rename[Anchor](product=anchor_of(OAK), name="Holm oak"),
        SetFact[Anchor](product=anchor_of(ELM), fact="size", value="1"),
        Merge[Anchor](products=(anchor_of(ELM), anchor_of(OAK))),
    ]
    stored = [StoredEdit(number=n, edit=each, by="ruth", at=0.0) for n, each in enumerate(made, 1)]
    result, _ = edited(FOUND, *made)
    found = {p.name: [each.number for each in edits_of(p, stored)] for p in result.products}
    assert found == {"Elm": [1, 2, 3], "Ash": []}
