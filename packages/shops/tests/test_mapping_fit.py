"""Which fields of a mapping are told, and which refused, because no item of a batch has them."""

import json
from pathlib import Path

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import BatchMapping
from swatchbook_shops.items.mapping_fit import AbsentField, check_mapping_fits
from swatchbook_shops.items.plan_batch import plan_batch

MIB = 1 << 20
ROWS = "Sku,Artikel,Bild,Pflege\nA1,Oak,https://s.example/1.jpg,\nA2,Ash,https://s.example/2.jpg,\n"


def mapping(**given: dict[str, object]) -> BatchMapping:
    return BatchMapping.model_validate(given)


def test_every_mapped_column_of_a_csv_must_exist(tmp_path: Path) -> None:
    """One without a value in any row is there."""
    (tmp_path / "shop.csv").write_text(ROWS)
    given = mapping(columns={"id": "Skuu", "brand": ""}, facts={"care": "Pflege", "finish": "Bildd"})
    plan = plan_batch(tmp_path / "shop.csv", given, max_bytes=MIB)
    assert plan.absent == (
        AbsentField(problem="columns.id: no item has the field Skuu. Did you mean Sku?", refused=True),
        AbsentField(problem="facts.finish: no item has the field Bildd. Did you mean Bild?", refused=True),
    )
    with pytest.raises(InvalidReference, match=r"columns\.id.*\nfacts\.finish.*\n?.*Correct the mapping"):
        check_mapping_fits(tmp_path / "shop.csv", given, max_bytes=MIB)
    (tmp_path / "shop.csv").write_text("")
    assert check_mapping_fits(tmp_path / "shop.csv", given, max_bytes=MIB) == (), "without items it fails by itself"


def test_json_items_may_leave_out_optional_fields(tmp_path: Path) -> None:
    items = [{"nr": n, "name": {"de": "Eiche"}, "image": f"https://s.example/{n}.jpg"} for n in range(3)]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, [*items, {"nr": 4, "care": "wipe"}])))
    given = mapping(columns={"id": "nr", "title": ["name.en", "name.de"], "regular_price": "was"}, facts={"c": "care"})
    assert check_mapping_fits(tmp_path / "items.jsonl", given, max_bytes=MIB) == (
        "Mapping: columns.regular_price: no item has the field was. There are nr, name, name.de, image, care.",
    )
    given = mapping(columns={"title": "name.dee"})
    with pytest.raises(InvalidReference, match=r"name\.dee\. Did you mean name\.de\?"):
        check_mapping_fits(tmp_path / "items.jsonl", given, max_bytes=MIB)
    plan = plan_batch(tmp_path / "items.jsonl", given, max_bytes=MIB, judge=2)
    assert [each.refused for each in plan.absent] == [False], "items that were not looked at may have it"
