"""Reduced prices with their days, prices that are the lowest of several, and weights, in each shop's own columns."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import test_google_feed
import test_json_ld
import test_shopify
import test_woocommerce
from shop_readers import READERS
from shop_rows import FULL, product, shop_file, variant

from swatchbook_shops.article_weights import grams_of
from tests.tables import check_rows

LAMP = {"price": "15.00", "currency": "EUR", "regular_price": "20", "weight": "1,2 kg"}
TODAY = datetime.now(UTC).date()
OVER = {"sale_starts": "2020-01-01", "sale_ends": "2020-02-01 00:00:00"}
AHEAD = {"sale_starts": f"{TODAY + timedelta(days=30)}"}
ON = {"sale_starts": f"{TODAY - timedelta(days=1)}", "sale_ends": f"{TODAY + timedelta(days=30)}"}


def test_reduced_price_is_shown_while_it_counts(tmp_path: Path) -> None:
    for days, is_on in (({}, True), (ON, True), (OVER, False), (AHEAD, False)):
        rows = (product("Lamp", pictures=("l.jpg",), **LAMP, **days),)
        ((_, (cells,)),) = test_shopify.read_strictly(shop_file(tmp_path, "shopify", rows, FULL)[0]).items()
        shown = [cells["Price"], cells.get("Compare-at price", ""), cells["Weight value (grams)"]]
        assert shown == (["15.00", "20.00", "1200"] if is_on else ["20.00", "", "1200"])
        (row,) = test_woocommerce.read_strictly(shop_file(tmp_path, "woocommerce", rows, FULL)[0])
        assert [row["Regular price"], row["Sale price"], row["Weight (kg)"]] == ["20.00", "15.00", "1.2"]
        kept = [row.get(f"Date sale price {which}", "") for which in ("starts", "ends")]
        assert kept == [days.get("sale_starts", ""), days.get("sale_ends", "")[:10]]
        assert "weight" not in test_woocommerce.attributes_of(row)
        (item,) = test_google_feed.read_strictly(shop_file(tmp_path, "google", rows, FULL)[0])
        assert [*item["price"], *item.get("sale_price", ())] == ["20.00 EUR", *(["15.00 EUR"] if is_on else [])]
        (thing,) = test_json_ld.read_strictly(shop_file(tmp_path, "jsonld", rows, FULL)[0])
        before = [each["price"] for each in _specified(thing) if "priceType" in each]
        assert (thing["offers"]["price"], before) == (("15.00", ["20.00"]) if is_on else ("20.00", []))


def _specified(thing: test_json_ld.Thing) -> list[test_json_ld.Thing]:
    found = thing["offers"].get("priceSpecification", [])
    return found if isinstance(found, list) else [found]


def test_sale_day_is_read_as_tables_write_it(tmp_path: Path) -> None:
    def written(printed: str) -> str:
        rows = (product("Lamp", **LAMP, sale_ends=printed),)
        (row,) = test_woocommerce.read_strictly(shop_file(tmp_path, "woocommerce", rows, FULL)[0])
        return row.get("Date sale price ends", "")

    check_rows(__file__, "days", written)


@pytest.mark.parametrize("form", READERS)
def test_lowest_of_several_prices_is_no_price(tmp_path: Path, form: str) -> None:
    data, written = shop_file(tmp_path, form, (product("Lamp", price="ab 89,- €", pictures=("l.jpg",)),), FULL)
    if form == "google":
        assert [each.reason for each in written.skipped_products] == ["its price is a range"]
    elif form == "jsonld":
        (thing,) = json.loads(data)["@graph"]
        assert thing["offers"]["@type"] == "AggregateOffer"
        assert (thing["offers"]["lowPrice"], "highPrice" in thing["offers"]) == ("89.00", False)
    else:
        assert b"89" not in data


def test_sale_or_range_stays_with_its_own_variant(tmp_path: Path) -> None:
    shirt = product("Shirt", price="15 EUR", regular_price="20", sale_ends="2020-01-01")
    rows = (shirt, variant(shirt, "Red", price="15 EUR", regular_price="20"), variant(shirt, "Blue", price="15 EUR"))
    _, *read = test_woocommerce.read_strictly(shop_file(tmp_path, "woocommerce", rows, FULL)[0])
    names = ("Regular price", "Sale price", "Date sale price ends")
    assert [[row.get(name, "") for name in names] for row in read] == [["20.00", "15.00", ""], ["15.00", "", ""]]
    rug = product("Rug", price="€ 80", pictures=("r.jpg",))
    rows = (rug, variant(rug, "Small", price="€ 80"), variant(rug, "Made to measure", price="€ 120 – € 300"))
    data, written = shop_file(tmp_path, "google", rows, FULL)
    assert [item["title"] for item in test_google_feed.read_strictly(data)] == [["Rug, Small"]]
    assert [(each.name, each.reason) for each in written.skipped_products] == [
        ("Rug, Made to measure", "price is a range, and other variants have one price")
    ]


def test_weight_is_read_where_it_is_nothing_else() -> None:
    check_rows(__file__, "weights", lambda printed: (grams := grams_of(printed)) and round(grams, 3))
