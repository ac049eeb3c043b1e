"""On the page of an upload, fields of a file of items are chosen before it is read."""

import json
from pathlib import Path
from urllib.parse import urlencode

from fastapi.testclient import TestClient
from test_web_uploads import answered, end, send_batch, tools

from swatchbook.domain.records import BatchMapping
from swatchbook.store.ledger.stored_documents import get_document, list_documents
from swatchbook_shops.items.batch_names import FIELDS
from tests.doors.conftest import client
from tests.doors.pages import BROWSER, Page, page

__all__ = ("client",)

TABLE = "nr,Was,Kostet,Foto\n1,Oak floor,12.50,oak.png\n2,Ash floor,,ash.png\n"
HOSTILE = "<script>alert(1)</script>"


def selected(shown: Page) -> list[str]:
    return [each["value"] for each in shown.all("option") if "selected" in each]


def test_chosen_fields_are_shown_and_started(client: TestClient) -> None:
    send_batch(client, "shop.csv", TABLE.replace("oak.png", "/oak.png"))
    before = page(client, end(client))
    assert selected(before) == [""] * len(FIELDS)
    assert {"title", "price", "brand", "category", "images", "base_url"} <= {
        each["name"] for each in (*before.all("select"), *before.all("input"))
    }
    chosen = {"title": '["Was"]', "price": '["Kostet"]', "brand": "[]", "again": "1"}
    chosen["base_url"] = " https://shop.example "
    after = page(client, "/ui/uploads/plan?file=shop.csv&" + urlencode(chosen))
    assert selected(after)[:4] == ['["Was"]', "", '["Kostet"]', "[]"]
    assert "12.50" in after.text
    assert "https://shop.example/oak.png" in after.text
    answered(client, "start", **chosen)
    (made,) = list_documents(tools(client).ledger)
    columns = {"title": ("Was",), "price": ("Kostet",), "brand": ()}
    assert made.options.mapping == BatchMapping(columns=columns, base_url="https://shop.example")


def test_batch_sent_again_keeps_its_choices(client: TestClient) -> None:
    send_batch(client, "shop.csv", TABLE)
    answered(client, "start", again="1", **{"title": '["Was"]'})
    send_batch(client, "shop.csv", TABLE.replace("Oak", "Elm"))
    shown = page(client, end(client))
    assert selected(shown)[0] == '["Was"]'
    (made,) = list_documents(tools(client).ledger)
    assert "Oak" in (Path(made.content) / "shop.csv").read_text(), "what runs is not changed before it is started"
    answered(client, "start", again="1")  # nothing is chosen any more
    now = get_document(tools(client).ledger, made.id).options.mapping
    assert "title" not in now.columns
    assert now.columns["images"] == ("Foto",), "the rules now, not the mapping of before"
    assert "Elm" in (Path(made.content) / "shop.csv").read_text()


def test_wrong_shop_address_is_shown_at_its_field(client: TestClient) -> None:
    send_batch(client, "shop.csv", TABLE)
    text = answered(client, "start", status=422, again="1", **{"base_url": "shop", "title": '["Was"]'})
    (field,) = Page(text).all("input", name="base_url")
    assert (field["value"], field["aria-invalid"]) == ("shop", "true")
    assert selected(Page(text))[0] == '["Was"]'
    answered(client, "start", status=422, again="1", **{"title": "Was"})
    answered(client, "start", status=422, again="1", **{"title": "[" * 10_000})
    assert list_documents(tools(client).ledger) == []


def test_markup_of_a_batch_is_only_text(client: TestClient) -> None:
    items = [{"id": "1", "title": HOSTILE, HOSTILE: HOSTILE, "images": [f"https://shop.example/{HOSTILE}.png"]}]
    name = f"{HOSTILE.replace('/', '')}.json"
    send_batch(client, name, json.dumps(items))
    text = client.get(end(client, name), headers=BROWSER).text
    assert Page(text).all("script") == [
        {"src": "/ui/static/htmx.min.js", "defer": ""}, {"src": "/ui/static/page.js", "defer": ""},
    ]  # fmt: skip
    assert text.count("&lt;script&gt;alert") >= 3


def test_a_file_that_cannot_be_read_is_named(client: TestClient) -> None:
    send_batch(client, "shop.xlsx", b"PK\x03\x04 no archive")
    assert "shop.xlsx is a zip archive: unpack it first." in page(client, end(client, "shop.xlsx")).text


def test_code_of_an_item_names_its_field(client: TestClient) -> None:
    send_batch(client, "shop.csv", "id,Title\nA-1,Oak floor\n")
    shown = page(client, end(client))
    assert "A-1" in shown.text
    assert shown.text.count("Automatic: id") == 2, "as its id, and as its code"
