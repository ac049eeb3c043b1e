"""The pages of documents, of images, of the account and of reviews: what they show is what the ledger has, and their
forms do what the commands do.
"""

import csv
import re
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from test_web_pages import MOST_BYTES

from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import scan
from swatchbook.resources import Resources
from swatchbook.store.ledger.picture_reviews import find_review_image
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import documents, images, items, placements, products
from swatchbook_web import documents as web_documents
from tests.doors.conftest import ANNA, BERT, asking, bearing
from tests.doors.pages import BROWSER, Page, page, send
from tests.ingest.sources.pictures import draw, write
from tests.store.ledger.scene import change


def post(client: TestClient, address: str, **fields: str) -> str:
    """Send a form as a browser does, and return where it leads, without what it says was done."""
    return re.sub(r"[?&]done=[^&]*$", "", post_and_tell(client, address, **fields))


def post_and_tell(client: TestClient, address: str, **fields: str) -> str:
    """Send a form as a browser does, and return where it leads."""
    sent = send(client, address, **fields)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


def closes(read: Page) -> list[int]:
    """The numbers of the account as they are printed, after a check that the bar is as long as its sum."""
    (bar,) = [given["aria-label"] for given in read.all("svg") if " pictures: " in given.get("aria-label", "")]
    found, states = bar.split(" pictures: ")
    counts = [int(each.split()[0]) for each in states.split(",")]
    assert sum(counts) == int(found)
    widths = [float(g["width"]) for g in read.all("rect") if g.get("class", "").startswith("fill ")]
    widths = widths[: sum(map(bool, counts))]  # smaller bars may follow
    assert sum(widths) == pytest.approx(100 if int(found) else 0)
    return counts


@pytest.mark.usefixtures("keys", "filled")
def test_a_browser_is_told_when_the_list_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """All open pages of an owner share one look at the ledger."""
    looked, read = list[str](), web_documents.list_documents
    monkeypatch.setattr(web_documents, "list_documents", lambda *of: looked.append(of[1].name) or read(*of))
    monkeypatch.setattr(web_documents, "_SHARED", 60.0)
    with asking() as client:
        told = {client.get("/ui/changes", headers=bearing(key)).text for key in (ANNA, ANNA, BERT)}
        assert (len(told), looked) == (2, ["anna", "bert"])
        change(client.app.state.resources.ledger, documents, status="running")  # type: ignore[attr-defined]
        assert client.get("/ui/changes", headers=bearing(ANNA)).text in told
        client.app.state.pages.looks.clear()  # type: ignore[attr-defined]
        assert client.get("/ui/changes", headers=bearing(ANNA)).text not in told


def test_box_of_each_placement_leads_to_its_image(sample: TestClient, document: str) -> None:
    placed = sample.get(f"/documents/{document}/images").json()["images"]
    details = sample.get(f"/documents/{document}/pages").json()["pages"]
    boxes = 0
    for each in details:
        read = page(sample, f"/ui/documents/{document}?page={each['number']}")
        here = [(image, p) for image in placed for p in image["placements"] if p["page"] == each["number"]]
        shown = {f"/ui/images/{image['id']}" for image, p in here if p["state"] in ("shown", "unreadable")}
        sheet = [given for given in read.all("rect") if given.get("class") == "look"]
        assert len(sheet) == len(here) + len(each["pictures"])
        assert shown <= set(read.links("/ui/images/"))
        boxes += len(sheet)
    assert boxes > 5
    assert len(page(sample, f"/ui/documents/{document}").all("img", alt="", width="96")) == len(details)
    assert "has no page 99" in page(sample, f"/ui/documents/{document}?page=99", 404).text


def test_every_state_of_an_image_has_its_look(sample: TestClient, resources: Resources, document: str) -> None:
    shown = [
        each for each in sample.get(f"/documents/{document}/images").json()["images"] if each["state"] == "complete"
    ]
    failure = {"kind": "unreadable_image", "message": "It is cut off."}
    keys = {row.id: row.content_key for row in resources.ledger.execute(images.select())}
    for image, state in zip(shown, ("failed", "rejected", "pending"), strict=False):
        change(resources.ledger, items, items.c.key == keys[image["id"]], failure=failure, state=state)
    counted = account(resources.ledger, document=document)
    read = page(sample, f"/ui/documents/{document}")
    assert closes(read) == [getattr(counted, s) for s in ("complete", "partial", "failed", "rejected", "pending")]
    assert counted.complete < counted.found
    assert "It is cut off." in read.text
    for image in shown[:3]:
        story = page(sample, f"/ui/images/{image['id']}")
        state = sample.get(f"/images/{image['id']}").json()["state"]
        assert state != "complete"
        assert story.all("span", class_=f"state {state}")
        assert "unreadable_image: It is cut off." in story.text
        assert story.all("form", action=f"/ui/images/{image['id']}/retry")
    assert closes(page(sample, "/ui/coverage"))[0] == counted.complete
    assert "Not a picture, or a damaged one3 pictures (1 of them for good)" in page(sample, "/ui/coverage").text
    post(sample, f"/ui/documents/{document}/retry")
    assert get_document(resources.ledger, document).status is DocumentStatus.WAITING


def test_every_placement_state_has_its_own_box(sample: TestClient, resources: Resources, document: str) -> None:
    def looks() -> set[str]:
        return {
            given["stroke"] for given in page(sample, f"/ui/documents/{document}?page=4").all("rect", class_="look")
        }

    address, found = f"/ui/documents/{document}?page=4", set[str]()
    states = ("shown", "hidden", "decorative", "unreadable")
    for state in states:
        change(resources.ledger, placements, state=state, reason="It is under another picture.")
        assert "It is under another picture." in page(sample, address).text
        assert len(looks()) == 1
        found |= looks()
    change(resources.ledger, placements, state="shown")
    change(resources.ledger, images, needs_review=True)
    assert len(found | looks()) == len(states) + 1


def test_folder_pictures_are_shown_by_name_in_pages(
    sample: TestClient, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_documents, "_LISTED_IMAGES", 2)
    for number, name in enumerate(("linen.png", "oak.png", "slate.png")):
        draw(tmp_path / "pictures" / name, number)
    write(tmp_path / "pictures" / "text.png", b"no picture")
    options = IngestOptions()
    registered = register_folder(resources, tmp_path / "pictures", owner="anna", options=options)
    work = begin_work(resources, registered)
    assert isinstance(work, Work)
    scan(resources, work, b"", progress=lambda done, total: None)
    covers = [given["src"] for given in page(sample, "/ui/documents").all("img")]
    assert len(covers) == 2
    assert all(sample.get(cover).status_code == 200 for cover in covers)
    first = page(sample, f"/ui/documents/{registered.document.id}")
    assert "3 products" in first.text
    assert "Its products are the items of this folder" in first.text
    story = page(sample, first.links("/ui/images/")[0])
    assert "linen" in story.text
    assert "Say which products it shows" not in story.text, "an edit would be refused"
    (more,) = [link for link in first.links(f"/ui/documents/{registered.document.id}?") if "cursor=" in link]
    second = page(sample, more)
    assert [given["alt"] for read in (first, second) for given in read.all("img") if given["alt"]] == [
        "linen",
        "oak",
        "slate",
    ]
    assert "No picturetextrejected" in second.text
    assert not [link for link in second.links(f"/ui/documents/{registered.document.id}?") if "cursor=" in link]


def test_each_value_leads_to_where_it_stands(sample: TestClient, document: str) -> None:
    listed = sample.get(f"/documents/{document}/products").json()["products"]
    led = 0
    for product in listed:
        for number, fact in enumerate(product["facts"], 1):
            name = f"fact-{product['id']}-{number}"
            there = page(sample, f"/ui/documents/{document}?page={fact['page']}")
            if fact["bbox"]:
                (box,) = there.all("rect", id=name)
                assert float(box["x"]) == fact["bbox"][0] - 2
            same = [n for n, each in enumerate(product["facts"], 1) if each["key"] == fact["key"]
                    and (each["page"], each["bbox"]) == (fact["page"], fact["bbox"])]  # fmt: skip
            assert f"#fact-{product['id']}-{same[0]}" in there.links("#")
            led += 1
    assert led > 3


def test_a_deleted_document_is_restored_by_undo(sample: TestClient, resources: Resources, document: str) -> None:
    found = account(resources.ledger, document=document).found
    told = page(sample, post_and_tell(sample, f"/ui/documents/{document}/delete"))
    assert "Deleted. It stays in the trash for a day." in told.text
    assert account(resources.ledger).found == 0
    assert page(sample, "/ui/trash").all("button", **{"aria-label": "Restore small.pdf"})
    (undo,) = told.all("form", action=f"/ui/trash/{document}/restore")
    assert "Restored" in page(sample, post_and_tell(sample, undo["action"], back="/ui/documents")).text
    assert account(resources.ledger, document=document).found == found
    assert "The trash is empty" in page(sample, "/ui/trash").text


def test_pages_returned_to_and_told_are_ours(sample: TestClient, document: str) -> None:
    for back in ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", ""):
        post(sample, f"/ui/documents/{document}/delete")
        assert post(sample, f"/ui/trash/{document}/restore", back=back) == f"/ui/documents/{document}"
    for done in ("deleted", "deleted:x", "nonsense", "rename:00000000-0000-0000-0000-000000000000", "<b>"):
        assert not page(sample, f"/ui/documents?{urlencode({'done': done})}").all("div", class_="toast")


def test_document_list_shows_figures_and_possible_actions(
    sample: TestClient, document: str, resources: Resources
) -> None:
    got = sample.get(f"/ui/documents/{document}/export.csv")
    assert got.headers["content-disposition"] == 'attachment; filename="small.csv"'
    names = [row["name"] for row in csv.DictReader(got.text.splitlines()) if row["grain"] == "product"]
    assert names == [p["name"] for p in sample.get(f"/documents/{document}/products").json()["products"]]
    assert sample.get(f"/ui/documents/{document}/export.nothing").status_code == 422
    known = sample.get(f"/documents/{document}").json()["report"]
    read = page(sample, "/ui/documents")
    assert f" {known['products_discovered']} {known['images_found']} 100 % $0.00 " in " ".join(read.text.split())
    actions = [f"/ui/documents/{document}{each}" for each in ("", "#sure", "/export.csv")]
    assert [link for link in read.links("/ui/documents/") if document in link] == actions
    assert read.all("form", action=f"/ui/documents/{document}/embed")
    change(resources.ledger, documents, status="blocked")
    assert page(sample, "/ui/documents").all("form", action=f"/ui/documents/{document}/retry")


def test_images_are_reviewed_one_by_one_and_undone(sample: TestClient, resources: Resources, document: str) -> None:
    shown = [each["id"] for each in sample.get(f"/documents/{document}/images").json()["images"][:2]]
    change(resources.ledger, images, images.c.id.in_(shown), needs_review=True)

    def current(address: str = "/ui/review") -> str:
        return page(sample, address).links("/ui/images/")[0].rpartition("/")[2]

    first, second = current(), current("/ui/review?skip=1")
    assert first != second
    assert post(sample, f"/ui/review/{first}/accept") == "/ui/review"
    assert current() == second
    post(sample, f"/ui/review/{second}/reject", reason="It shows a logo.")
    reviews = [find_review_image(resources.ledger, each).review for each in (first, second)]
    assert [each and each.verdict.value for each in reviews] == ["accepted", "rejected"]
    assert "No picture needs a review." in page(sample, "/ui/review").text
    (product, *_) = sample.get(f"/documents/{document}/products").json()["products"]
    edits = f"/ui/documents/{document}/edits"
    made = post_and_tell(sample, f"/ui/products/{product['id']}/edits", action="rename", name="Larch")
    told = page(sample, made)
    assert told.all("form", action=f"{edits}/1/undo")
    back = f"/ui/documents/{document}?page=2"
    assert post(sample, f"{edits}/1/undo", back=back) == back
    assert sample.get(f"/products/{product['id']}").json()["name"] == product["name"]
    change(resources.ledger, images, needs_review=True)
    image = page(sample, "/ui/review").links("/ui/images/")[0].rpartition("/")[2]
    before = find_review_image(resources.ledger, image)
    told = page(sample, post_and_tell(sample, f"/ui/review/{image}/reject", reason="It shows a logo."))
    (undo,) = told.all("form", action=f"/ui/review/{image}/undo")
    assert post(sample, undo["action"]) == "/ui/review"
    after = find_review_image(resources.ledger, image)
    assert (after.review, after.analysis) == (None, before.analysis)


def test_page_with_many_products_stays_small(sample: TestClient, resources: Resources, document: str) -> None:
    with resources.ledger.write() as connection:
        row = connection.execute(products.select().order_by(products.c.ordinal)).mappings().first()
        assert row
        here, elsewhere = row["record"]["pages"], [90]
        for number in range(400):
            new = {"id": str(uuid4()), "name": f"Product {number}"}
            record = {**row["record"], **new, "pages": here if number < 10 else elsewhere}
            connection.execute(products.insert().values({**row, **new, "ordinal": 100 + number, "record": record}))
    got = sample.get(f"/ui/documents/{document}?page={here[0]}", headers=BROWSER)
    assert len(Page(got.text).all("article", class_="product")) > 10
    assert len(got.content) < MOST_BYTES
    grid = page(sample, f"/ui/documents/{document}/products?offset=360")
    assert "Product 399" in grid.text
