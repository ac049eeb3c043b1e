"""Products are written into a PIM by its API: once, resumed, with what is refused named, whatever the PIM does."""

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from swatchbook.errors import Authentication, Configuration, FileMissing, InvalidReference, ProviderError, RateLimited
from swatchbook.export.akeneo_connection import Pim
from swatchbook.export.formats import Changes, Reach, ToldChanges, Written, write_products
from swatchbook.export.product_rows import ProductRow
from swatchbook.export.shop_mapping import ShopMapping, ShopOptions
from swatchbook.setting_values import AkeneoAccess
from swatchbook.settings import Settings
from tests.export.akeneo_server import AkeneoServer, akeneo
from tests.export.shop_rows import CHAIR, FLOOR_ROWS, ROWS, product

PICTURES = {name: name.encode() for name in ("i1.jpg", "i2.jpg", "i 3.png", "shared-1.jpg")}
MAPPED = ShopOptions(
    mapping=ShopMapping(
        fields={
            "sku": ("{code}", "{name}"), "family": "floors", "categories": "oak,floors", "title-en_US": "{name}",
            "name": None, "description": None, "image": "pictures/{picture}", "tags": "wood, indoor",
            "outdoor": "false", "width": "190 MILLIMETER",
        }
    )
)  # fmt: skip
"""What becomes of each type of attribute."""


@pytest.fixture
def pim() -> Iterator[AkeneoServer]:
    with akeneo() as server:
        yield server


def send(pim: AkeneoServer, tmp_path: Path, rows: Sequence[ProductRow], options: ShopOptions = MAPPED,
         told: ToldChanges | None = None, **access: str) -> tuple[list[dict[str, str]], Written]:  # fmt: skip
    """Return the lines of the file, and what the export says about it."""

    def picture(name: str) -> bytes:
        if name not in PICTURES:
            raise FileMissing(f"There is no {name}.")
        return PICTURES[name]

    reach = Reach(Settings(home=tmp_path, akeneo=pim.access(**access), retry_delays=(0.0, 0.0)), picture)
    out = io.BytesIO()
    written = write_products(
        iter(rows), "akeneo-api", out, temporary_folder=tmp_path, options=options, told=told, reach=reach
    )
    (tmp_path / "sent").write_bytes(out.getvalue())
    return [json.loads(line) for line in out.getvalue().splitlines()], written


def value(pim: AkeneoServer, sku: str, code: str) -> Any:
    (each,) = pim.products[sku]["values"][code]
    return each["data"]


def test_products_are_as_the_types_of_the_attributes_want(pim: AkeneoServer, tmp_path: Path) -> None:
    lines, written = send(pim, tmp_path, ROWS)
    assert written.skipped_count == 0
    assert [line["sku"] for line in lines] == ["NO-101", "NO-104", CHAIR.name]
    limed = pim.products["NO-101"]
    assert (limed["enabled"], limed["family"], limed["categories"]) == (True, "floors", ["oak", "floors"])
    assert limed["values"]["title"] == [{"locale": "en_US", "scope": None, "data": "Nordvik Oak, Limed"}]
    assert value(pim, "NO-101", "price") == [{"amount": "82.50", "currency": "EUR"}]
    assert value(pim, "NO-101", "tags") == ["wood", "indoor"]
    assert value(pim, "NO-101", "outdoor") is False
    assert value(pim, "NO-101", "width") == {"amount": "190", "unit": "MILLIMETER"}
    assert pim.files[value(pim, "NO-101", "image")] == b"i2.jpg"
    assert pim.files[value(pim, "NO-104", "image")] == b"i1.jpg", "that of its product"
    assert "image" not in pim.products[CHAIR.name]["values"]


def test_a_second_export_sends_no_picture_again(pim: AkeneoServer, tmp_path: Path) -> None:
    rows = [product(f"P{number}", pictures=("shared-1.jpg",)) for number in range(3)]
    send(pim, tmp_path, rows)
    first = dict(pim.products)
    assert pim.asked["POST /api/rest/v1/media-files"] == 1, "one content is sent once"
    send(pim, tmp_path, [*rows, product("P9", pictures=("shared-1.jpg",))])
    assert pim.asked["POST /api/rest/v1/media-files"] == 1
    assert {sku: pim.products[sku] for sku in first} == first
    assert value(pim, "P9", "image") == value(pim, "P0", "image")


def test_products_go_by_hundreds(pim: AkeneoServer, tmp_path: Path) -> None:
    lines, written = send(pim, tmp_path, [product(f"P{number}", pictures=("i1.jpg",)) for number in range(230)])
    assert (len(lines), len(pim.products), written.products) == (230, 230, 230)
    assert [each for each in pim.lines if each > 1] == [100, 100, 30]
    assert pim.asked["POST /api/rest/v1/media-files"] == 1


def test_a_refused_line_is_named_and_the_others_are_taken(pim: AkeneoServer, tmp_path: Path) -> None:
    pim.refuse["NO-104"] = "The family 'floors' does not exist."
    lines, written = send(pim, tmp_path, ROWS)
    assert [line["sku"] for line in lines] == ["NO-101", CHAIR.name]
    (skipped,) = written.skipped
    assert (skipped.name, skipped.id) == ("Smoked", FLOOR_ROWS[2].id)
    assert skipped.reason == "Akeneo refused it: family: The family 'floors' does not exist"
    assert (written.products, written.variants) == (2, 1)
    pim.refuse.clear()
    again = MAPPED.model_copy(update={"since": tmp_path / "sent"})
    lines, written = send(pim, tmp_path, ROWS, again)
    assert [line["sku"] for line in lines] == ["NO-104"], "it is not in the file, so it comes again"
    assert written.changes == Changes(new=1, changed=0, gone=0, unchanged=2)


def test_a_refused_or_missing_picture_is_named(pim: AkeneoServer, tmp_path: Path) -> None:
    pim.refuse_pictures = True
    _, written = send(pim, tmp_path, [product("A", pictures=("i1.jpg",)), product("B", pictures=("lost.jpg",))])
    assert [(each.name, each.reason) for each in written.skipped] == [
        ("A", "its picture i1.jpg: Akeneo refused it: The file is not accepted"),
        ("B", "its picture lost.jpg is missing in the file store"),
    ]


@pytest.mark.parametrize("at", ["PATCH", "POST /api/rest/v1/media-files", "POST /api/oauth", "GET"])
def test_an_outage_and_a_limit_are_waited_for(pim: AkeneoServer, tmp_path: Path, at: str) -> None:
    pim.misbehave_at = at
    pim.misbehave = [(500, {}), (429, {"Retry-After": "0"}), (503, {})]
    lines, written = send(pim, tmp_path, ROWS)
    assert (len(lines), written.skipped_count, pim.misbehave) == (3, 0, [])
    assert len(pim.files) == 2


def test_an_outage_that_stays_ends_it_and_it_can_be_made_again(pim: AkeneoServer, tmp_path: Path) -> None:
    pim.misbehave_at, pim.misbehave = "POST /api/rest/v1/media-files", [(500, {})] * 3
    with pytest.raises(ProviderError, match="answered with status 500") as failed:
        send(pim, tmp_path, ROWS)
    assert "p4ssword" not in str(failed.value)
    lines, _ = send(pim, tmp_path, ROWS)
    assert (len(lines), len(pim.files)) == (3, 2)


def test_an_expired_token_is_renewed(pim: AkeneoServer, tmp_path: Path) -> None:
    pim.misbehave_at, pim.misbehave = "PATCH", [(401, {})]
    assert len(send(pim, tmp_path, ROWS)[0]) == 3
    assert pim.asked["POST /api/oauth/v1/token"] == 2
    pim.misbehave = [(401, {}), (401, {})]
    with pytest.raises(Authentication, match="does not let the user do this"):
        send(pim, tmp_path, ROWS)


@pytest.mark.parametrize("wrong", [{"secret": "s3cret-of-nobody"}, {"password": "p4ssword-of-nobody"}])
def test_a_wrong_login_is_named_without_its_secrets(pim: AkeneoServer, tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(Authentication, match="refused the login") as refused:
        send(pim, tmp_path, ROWS, **wrong)
    assert "of-nobody" not in str(refused.value) + repr(AkeneoAccess(**pim.access(**wrong)))
    assert pim.products == {}


def test_what_the_pim_lacks_is_named_before_anything_is_sent(pim: AkeneoServer, tmp_path: Path) -> None:
    for field, said in (
        ("colour", "The PIM has no attribute 'colour'"),
        ("label", "written as label-<locale>, not as label"),
        ("name-en_US", "written as name, not as name-en_US"),
        ("price", "written as price-<currency>, not as price"),
    ):
        with pytest.raises(InvalidReference, match=said):
            send(pim, tmp_path, ROWS, ShopOptions(mapping=ShopMapping(fields={field: "x"})))
    assert pim.products == {}


def test_what_is_gone_is_disabled_and_keeps_the_rest(pim: AkeneoServer, tmp_path: Path) -> None:
    send(pim, tmp_path, ROWS)
    since = MAPPED.model_copy(update={"since": tmp_path / "sent"})
    with pytest.raises(InvalidReference, match="2 of 3 records"):
        send(pim, tmp_path, (CHAIR,), since)
    assert pim.products["NO-101"]["enabled"] is True
    lines, written = send(pim, tmp_path, (CHAIR,), since.model_copy(update={"accept_gone": True}))
    assert written.changes == Changes(new=0, changed=0, gone=2, unchanged=1)
    assert lines == [{"sku": sku, "enabled": "0"} for sku in ("NO-101", "NO-104")]
    assert pim.products["NO-101"]["enabled"] is False
    assert pim.files[value(pim, "NO-101", "image")] == b"i2.jpg"
    assert pim.products[CHAIR.name]["enabled"] is True


def test_since_a_time_sends_what_changed(pim: AkeneoServer, tmp_path: Path) -> None:
    told = ToldChanges(frozenset(), frozenset({"changed"}), iter([product("Gone")]))
    changed = CHAIR.model_copy(update={"document_id": "changed"})
    lines, written = send(pim, tmp_path, (*FLOOR_ROWS, changed), told=told)
    assert [(line["sku"], line["enabled"]) for line in lines] == [(CHAIR.name, "1"), ("Gone", "0")]
    assert written.changes == Changes(new=0, changed=1, gone=1, unchanged=2)


def test_a_file_of_changes_is_refused(pim: AkeneoServer, tmp_path: Path) -> None:
    (tmp_path / "other").write_text('{"sku": "a", "enabled": "1"}\n{"sku": "b", "enabled": "0"}\n')
    with pytest.raises(InvalidReference, match="only changes"):
        send(pim, tmp_path, ROWS, MAPPED.model_copy(update={"since": tmp_path / "other"}))


@pytest.mark.parametrize("other", [b"sku;name\n", b'{"name": "x"}\n', b"[1]\n", b"\xff\n"])
def test_an_earlier_file_of_another_format_is_refused(pim: AkeneoServer, tmp_path: Path, other: bytes) -> None:
    (tmp_path / "other").write_bytes(other)
    with pytest.raises(InvalidReference, match="not one of akeneo-api"):
        send(pim, tmp_path, ROWS, MAPPED.model_copy(update={"since": tmp_path / "other"}))
    assert pim.products == {}


def test_the_time_that_the_pim_asks_for_is_waited(pim: AkeneoServer) -> None:
    waits = list[float]()
    asked = Pim(AkeneoAccess(**pim.access()), (2.0, 4.0), sleep=waits.append)
    pim.misbehave = [(429, {"Retry-After": "7"}), (429, {}), (500, {}), (500, {})]
    assert asked.attribute("name").kind == "pim_catalog_text"
    assert waits == [7.0, 2.0, 2.0, 4.0]
    pim.misbehave = [(429, {"Retry-After": "400"})] * 2
    with pytest.raises(RateLimited, match="limits our rate"):
        asked.attribute("name")
    asked.close()


def test_without_a_pim_or_a_way_to_it_nothing_is_sent(tmp_path: Path) -> None:
    out = io.BytesIO()
    with pytest.raises(Configuration, match="sends to a server"):
        write_products(iter(ROWS), "akeneo-api", out, temporary_folder=tmp_path)
    reach = Reach(Settings(home=tmp_path), lambda name: b"")
    with pytest.raises(Configuration, match="SWATCHBOOK_AKENEO is not set"):
        write_products(iter(ROWS), "akeneo-api", out, temporary_folder=tmp_path, reach=reach)
    public = AkeneoAccess(url="http://8.8.8.8", client_id="a", secret=SecretStr("b"), username="c",
                          password=SecretStr("d"))  # fmt: skip
    with pytest.raises(Configuration, match="unencrypted"):
        Pim(public, ())
    for wrong in ("http://pim:99999999", "https://[::1"):
        with pytest.raises(Configuration, match="is not a web address"):
            Pim(public.model_copy(update={"url": wrong}), ())
