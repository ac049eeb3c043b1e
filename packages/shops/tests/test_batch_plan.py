"""What is shown of a batch before it is ingested, and that the mapping it prints reads the same items."""

from pathlib import Path

from test_shapes import EXPECTED, SHAPES

from swatchbook.domain.records import NO_MAPPING, BatchMapping
from swatchbook.ingest.sources.batch import list_batch
from swatchbook_shops.items.batch_mapping import read_batch_mapping
from swatchbook_shops.items.plan_batch import plan_batch
from tests.ingest.sources.pictures import draw

CSV = "nr,what,cost_eur,shown,depot\n1,Oak,12.50,https://s.example/1.jpg,3\n2,Ash,,https://s.example/2.jpg,4\n"


def test_plan_shows_items_and_what_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "export").write_text(CSV)
    plan = plan_batch(tmp_path / "export", NO_MAPPING, max_bytes=1 << 20)
    assert (plan.format, plan.choices) == ("CSV", ("nr", "what", "cost_eur", "shown", "depot"))
    assert [(item.metadata.get("price"), item.pictures) for item in plan.items] == [
        ("12.50", ("https://s.example/1.jpg",)), (None, ("https://s.example/2.jpg",)),
    ]  # fmt: skip
    assert [(field.name, field.example) for field in plan.unknown] == [("nr", "1"), ("what", "Oak"), ("depot", "3")]
    assert "# not read: nr, what, depot" in plan.mapping
    mapping = BatchMapping(columns={"id": "nr", "title": "what", "price": ""})  # type: ignore[dict-item]
    given = plan_batch(tmp_path / "export", mapping, max_bytes=1 << 20)
    assert [(item.item, item.title, item.metadata.get("price")) for item in given.items] == [
        ("1", "Oak", None), ("2", "Ash", None),
    ]  # fmt: skip


def test_printed_mapping_reads_the_same_items(tmp_path: Path) -> None:
    for name in EXPECTED:
        plan = plan_batch(SHAPES / name, NO_MAPPING, max_bytes=1 << 20)
        (tmp_path / "mapping.yaml").write_text(plan.mapping)
        mapping = read_batch_mapping(tmp_path / "mapping.yaml")
        before, after = (list(list_batch(SHAPES / name, each, max_bytes=1 << 20)) for each in (NO_MAPPING, mapping))
        assert plan_batch(SHAPES / name, mapping, max_bytes=1 << 20).absent == (), name
        assert [(i.item, i.title, i.metadata, i.pictures) for i in after] == [
            (i.item, i.title, i.metadata, i.pictures) for i in before
        ], name


def test_columns_that_make_products_of_rows_are_understood() -> None:
    of_woocommerce = {"ID", "Type", "Parent", "Published", "SKU"}
    for name, used in (("shopify_export.csv", {"Status"}), ("woocommerce_export.csv", of_woocommerce)):
        plan = plan_batch(SHAPES / name, NO_MAPPING, max_bytes=1 << 20)
        assert plan.unknown
        assert used.isdisjoint(field.name for field in plan.unknown)


def test_missing_pictures_are_distinguished_from_other_problems(tmp_path: Path) -> None:
    draw(tmp_path / "oak.jpg", 1)
    (tmp_path / "items.csv").write_text("sku,images\nA,oak.jpg|gone.jpg\nB,oak.jpg\nC,ash.jpg\nD,\n")
    plan = plan_batch(tmp_path / "items.csv", NO_MAPPING, max_bytes=1 << 20)
    assert [(item.item, item.pictures, item.problem is not None, item.lacks_files) for item in plan.items] == [
        ("A", ("oak.jpg",), True, True), ("B", ("oak.jpg",), False, False), ("C", (), True, True),
        ("D", (), True, False),
    ]  # fmt: skip
    assert "gone.jpg: The file cannot be found" in plan.incomplete_items[0].problem


def test_all_items_are_judged_and_failing_ones_named(tmp_path: Path) -> None:
    """Not only those that are shown; of too many, the first, and that there are more."""
    lines = [f"{n},Oak {n},{'https://s.example/1.jpg' if n < 60 else ''}\n" for n in range(70)]
    (tmp_path / "items.csv").write_text("sku,name,image\n" + "".join(lines))
    plan = plan_batch(tmp_path / "items.csv", NO_MAPPING, max_bytes=1 << 20)
    assert (plan.judged, plan.more, plan.lacking, plan.looked_at) == (70, False, 10, 50)
    assert plan.incomplete_items[0].item == "60"
    assert "names no picture" in plan.incomplete_items[0].problem
    some = plan_batch(tmp_path / "items.csv", NO_MAPPING, max_bytes=1 << 20, judge=20)
    assert (some.judged, some.more, some.lacking) == (20, True, 0)
