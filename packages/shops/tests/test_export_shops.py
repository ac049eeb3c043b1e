"""`swatchbook export --format` for shops: the mapping, what is left out, what changed, and what the command says."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from test_batch_to_shops import read
from typer.testing import CliRunner

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.main import app
from swatchbook.doors.export import Exported, hints
from swatchbook.resources import open_resources
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook.store.ledger.tables import documents, images, items
from swatchbook.upkeep.export.formats import Skipped
from swatchbook.upkeep.export.product_rows import read_products
from tests.command import attempt
from tests.doors.conftest import asking
from tests.ingest.sources.pictures import draw
from tests.store.ledger.scene import change

pytestmark = pytest.mark.usefixtures("filled")

SMALL = ("small.pdf", "--owner", "anna")
ADDRESS = ("--pictures-url", "https://cdn.example/p")
WHOLE = """
fields:
  description: "{name}"
  link: "https://shop.example/{key}"
  availability: in_stock
currency: EUR
supplier: Nordvik AB
catalog_id: "2026"
language: eng
"""


def export(*words: str | Path, expect: int = 0) -> Any:
    result = CliRunner().invoke(app, ["export", *SMALL, *map(str, words)])
    assert result.exit_code == expect, result.output + str(result.exception)
    return result


def test_most_products_are_gone_only_with_yes(tmp_path: Path) -> None:
    """As where the SKUs of the earlier file come from another mapping."""
    (tmp_path / "shop.yaml").write_text('fields: {handle: "{name}"}')
    export("--format", "shopify", *ADDRESS, "--to", tmp_path / "all.csv")
    since = ("--format", "shopify", *ADDRESS, "--since", tmp_path / "all.csv", "--mapping", tmp_path / "shop.yaml")
    status, out, err = attempt("export", *SMALL, *map(str, since))
    assert (status, out) == (2, "")
    assert "2 of 2 records of the earlier file would be gone" in err
    assert "add --yes" in err.replace("\n", " ")
    assert "2 new, 0 changed, 2 gone" in export(*since, "--to", tmp_path / "b.csv", "--yes").stderr


def test_products_left_out_are_named_with_their_reason(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text('fields: {sku: "{metadata.warranty}"}')
    words = ("--format", "woocommerce", "--mapping", tmp_path / "shop.yaml", "--to", tmp_path / "a.csv")
    done = export(*words, expect=3)
    assert "Nordvik Oak is left out: sku is not known." in done.stderr
    assert "2 left out. A mapping can fill what is not known" in done.stderr
    found = json.loads(export(*words, "--json", expect=3).stdout)
    assert (found["products"], found["variants"], found["skipped"]) == (0, 0, 2)
    assert [each["reason"] for each in found["skipped_products"]] == ["sku is not known"] * 2


def test_long_list_of_products_left_out_is_shortened() -> None:
    left = tuple(Skipped(id=str(number), name=f"Lamp {number}", reason="price is not known") for number in range(1_000))
    said = hints(Exported(to=None, format="google", documents=1, products=0, variants=0, skipped=1_234,
                          skipped_products=left))  # fmt: skip
    assert said[19:] == [
        "Lamp 19 is left out: price is not known.", "And 1,214 more.",
        "1,234 left out. A mapping can fill what is not known: docs/shops.md.",
    ]  # fmt: skip


def test_what_an_export_takes_off_sale_is_named(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text('shopify: {Price: "{metadata.none}"}\n')
    for form, word in (("shopify", "a draft"), ("woocommerce", "private")):
        words = ("--format", form, *ADDRESS, "--mapping", tmp_path / "shop.yaml", "--to", tmp_path / "a.csv")
        found = json.loads(export(*words, "--json").stdout)
        said = export(*words).stderr
        named = [f"{each['name']} is {word} in the file: {each['reason']}." for each in found["unpriced_products"]]
        assert found["unpriced"] == len(named)
        assert all(each in " ".join(said.split()) for each in named)
        assert ("not on sale, as the shop would give" in said) is bool(named)
        assert named or form == "woocommerce"


def test_prices_that_need_a_currency_are_counted(filled: Path, tmp_path: Path) -> None:
    draw(tmp_path / "a.png", 1)
    items = [{"id": str(number), "title": f"Lamp {number}", "price": "50.00", "image": "a.png"} for number in (1, 2)]
    (tmp_path / "items.json").write_text(json.dumps(items))
    with open_resources(Settings(home=filled)) as resources:
        read(resources, tmp_path / "items.json", "anna")
        change(resources.ledger, documents, status="completed")
    (tmp_path / "shop.yaml").write_text("currency: EUR")
    words = ("export", "items.json", "--owner", "anna", "--format", "akeneo", "--to", str(tmp_path / "file"))
    status, _, err = attempt(*words)
    assert status == 3
    assert "2 prices left out: no currency is known. Give it in the mapping, such as `currency: EUR`." in err
    assert json.loads(attempt(*words, "--json")[1])["prices_without_currency"] == 2
    status, _, err = attempt(*words, "--mapping", str(tmp_path / "shop.yaml"))
    assert (status, "currency" in err) == (0, False)
    with asking() as client:
        said = client.post("/export", json={"owner": "anna", "format": "akeneo"}).headers["Swatchbook-Hints"]
    assert "2 prices left out" in said


def test_unreadable_picture_is_left_out_and_named(filled: Path, tmp_path: Path) -> None:
    with open_resources(Settings(home=filled)) as resources:
        (document,) = all_documents(resources.ledger, "anna")
        product = next(each for each in read_products(resources.ledger, document.id) if len(each.pictures) > 1)
        broken = product.pictures[0].id
        with resources.ledger.write() as connection:
            key = select(images.c.content_key).where(images.c.id == broken).scalar_subquery()
            failure = {"kind": "unreadable_image", "policy": "never", "message": "The picture is broken."}
            connection.execute(update(items).where(items.c.key == key).values(state="rejected", failure=failure))
    folder = tmp_path / "pictures"
    words = ("--format", "shopify", "--pictures-url", "https://cdn.example/p", "--pictures", folder)
    done = export(*words, "--to", tmp_path / "a.csv", expect=3)
    assert f"A picture of {product.name} is left out: The picture is broken." in " ".join(done.stderr.split())
    assert broken not in (tmp_path / "a.csv").read_text()
    assert product.pictures[1].id in (tmp_path / "a.csv").read_text()
    assert not list(folder.glob(f"{broken}*"))
    found = json.loads(export(*words, "--to", tmp_path / "a.csv", "--json", expect=3).stdout)
    assert [each["id"] for each in found["failed_pictures"]] == [broken]


def test_wrong_use_is_said() -> None:
    for words in (
        ("--format", "csv", "--mapping", "x.yaml"), ("--pictures-url", "https://cdn.example"), ("--since", "a.csv"),
        ("--format", "shopify", "--pictures-url", "pictures"), ("--format", "shopify", "--pictures-url", "ftp://a/b"),
        ("--format", "shopify", "--pictures-url", "https://a/b?c=d"), ("--format", "shopify", "--pictures-url", "http://["),
    ):  # fmt: skip
        refused = CliRunner().invoke(app, ["export", *SMALL, *words])
        assert isinstance(refused.exception, InvalidReference)
        assert refused.stdout == ""


def test_a_name_that_no_product_has_is_said(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text('fields: {brand: "{brnd}", title: ["{nam}", "{name}"]}\n')
    words = ("--format", "shopify", *ADDRESS, "--mapping", tmp_path / "shop.yaml", "--to", tmp_path / "shop.csv")
    told = export(*words).stderr
    assert "No product has {brnd}, which the mapping names" in told
    assert "No product has {nam}, which the mapping names: what needs it is empty. Did you mean {name}?" in told
    assert "No product has {name}" not in told
    assert json.loads(export(*words, "--json").stdout)["unknown_names"] == {"brnd": None, "nam": "name"}


def test_export_warns_where_shops_cannot_fetch_pictures(tmp_path: Path) -> None:
    for form, expect in (("shopify", 3), ("woocommerce", 0), ("google", 3)):
        words = ("--format", form, "--to", tmp_path / "a")
        told = export(*words, expect=expect).stderr.splitlines()
        (line,) = [line for line in told if "--pictures-url URL" in line]
        count = json.loads(export(*words, "--json", expect=expect).stdout)["pictures_without_address"]
        assert count > 0
        assert line.startswith(f"{count} pictures ")
    (tmp_path / "shop.yaml").write_text('fields: {Images: "https://cdn.example/{picture}"}')
    for words in (
        ("--format", "shopify", "--pictures-url", "https://cdn.example"), ("--format", "akeneo"), (),
        ("--format", "woocommerce", "--mapping", tmp_path / "shop.yaml"),
    ):  # fmt: skip
        done = export(*words, "--to", tmp_path / "b.csv")
        assert "--pictures-url" not in done.stderr
        assert json.loads(export(*words, "--to", tmp_path / "b.csv", "--json").stdout)["pictures_without_address"] == 0


@pytest.mark.parametrize("name", ["shop.csv", "linked.csv"])
def test_the_earlier_file_is_never_replaced(tmp_path: Path, name: str) -> None:
    kept = tmp_path / "shop.csv"
    (tmp_path / "linked.csv").symlink_to(kept)
    words = ("--format", "shopify", *ADDRESS)
    export(*words, "--to", kept)
    before = kept.read_bytes()
    given = (*words, "--since", kept, "--to", tmp_path / name, "--pictures", tmp_path / "pictures")
    status, out, err = attempt("export", *SMALL, *map(str, given))
    assert (status, out) == (2, "")
    assert "is the earlier file" in " ".join(err.split())
    assert kept.read_bytes() == before
    assert not (tmp_path / "pictures").exists()
