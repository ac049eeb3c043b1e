"""The first page: words, pictures, filters, and an address that holds all of it."""

from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient
from sqlalchemy import update

from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import contents, images, vectors
from swatchbook_web.kept_pictures import find_picture
from tests.doors.pages import one_sample as sample
from tests.doors.pages import page

__all__ = ["sample"]  # a fixture; the last test is the one that changes it


def first_image(client: TestClient, document: str) -> str:
    return str(client.get(f"/documents/{document}/images").json()["images"][0]["id"])


def test_words_find_what_the_api_finds(sample: TestClient) -> None:
    for by in ("image", "product", "chunk"):
        hits = sample.get("/search", params={"text": "oak", "k": 24, "by": by}).json()["hits"]
        read = page(sample, f"/?text=oak&by={by}")
        folded = read.all("img", alt="Nearly the same picture")
        assert len(read.all("li", class_="card")) + len(folded) == len(hits) > 0
        for hit in hits:
            assert hit["title"][:40] in " ".join(read.text.split())
            assert (hit["code"] or "") in read.text
            assert (hit["price"] or "") in read.text
        images = [hit["id"] if by == "image" else hit["images"][0] for hit in hits if by == "image" or hit["images"]]
        assert {link.rpartition("/")[2] for link in read.links("/ui/images/")} == set(images)
        assert read.all("input", name="by", value=by, checked="")


def test_filter_is_a_link_that_can_be_undone(sample: TestClient) -> None:
    facets = page(sample, "/ui/facets?text=oak")
    colors = [link for link in facets.links("/?") if "color=" in link]
    assert colors
    asked = parse_qs(urlsplit(colors[0]).query)
    assert asked["text"] == ["oak"]
    found = page(sample, colors[0])
    want = sample.get("/search", params={"text": "oak", "k": 24, "color": asked["color"]}).json()["hits"]
    assert len(found.links("/ui/images/")) == len(want) > 0
    assert "/?text=oak" in found.links("/?text=oak")  # without the filter again
    chosen = page(sample, "/ui/facets?" + urlsplit(colors[0]).query)
    assert chosen.all("a", aria_current="true") or [g for g in chosen.all("a") if g.get("aria-current") == "true"]


def test_empty_fields_ask_for_the_newest(sample: TestClient) -> None:
    assert page(sample, "/?text=oak&image=&price_min=&price_max=&owner=").all("li", class_="card")
    assert "the newest first" in page(sample, "/?text=&by=image").text
    read = page(sample, "/")
    total = sample.get("/search", params={"k": 1}).json()["total"]
    assert "Newest products" in read.text
    assert f"{total} pictures, the newest first" in " ".join(read.text.split())
    assert read.all("dialog", class_="viewer")
    names = [hit["product_id"] for hit in sample.get("/search", params={"by": "product"}).json()["hits"]]
    assert {link.rpartition("/")[2] for link in read.links("/products/")} >= set(names[:6]) != set()
    assert "/?text=oak&owner=anna" not in page(sample, "/ui/facets?text=oak").links("/?")  # one owner: no choice
    assert sample.get("/facets").json()["fields"]["owner"]["values"][0]["value"] == "anna"
    assert "owner" not in sample.get("/facets?owner=anna").json()["fields"]
    assert "/?text=oak" in page(sample, "/?text=oak&owner=anna").links("/?text=oak")


def test_more_like_this_leaves_the_image_itself_out(sample: TestClient, document: str) -> None:
    image = first_image(sample, document)
    read = page(sample, f"/?like={image}")
    assert read.all("img", alt="What results are like")
    found = read.links("/ui/images/")
    assert found.pop(0) == f"/ui/images/{image}"  # it stands above the results
    assert found
    assert [given for given in read.all("meter") if given["aria-label"] == "Match"]
    less = f"/?like={image}&not={found[0].rpartition('/')[2]}"
    assert less in read.links("/?like=")
    away = page(sample, less)
    assert away.all("img", alt="What results are not like")
    assert away.links("/ui/images/")[:2] == [f"/ui/images/{image}", found[0]]
    assert found[0] not in away.links("/ui/images/")[2:]
    assert f"/?like={image}" in away.links("/?like=")  # taken back


def test_sliders_weigh_the_roles(sample: TestClient) -> None:
    plain = page(sample, "/?text=oak")
    usual = {given["name"]: float(given["value"]) for given in plain.all("input", type="range")}
    assert usual["weight-understanding"] == 0.08
    assert "weight-keyword" in usual
    zero = "&".join(f"{name}=0" for name in usual if name != "weight-keyword")
    found = page(sample, f"/?text=oak&{zero}&weight-keyword=1")
    alone = sample.get("/search", params={"text": "oak", "k": 24, "weights": "keyword=1"}).json()["hits"]
    assert {given["aria-label"] for given in found.all("meter")} == {"Relevance", "Share of keyword"}
    assert len(found.all("li", class_="card")) + len(found.all("img", alt="Nearly the same picture")) == len(alone) > 0
    assert all("weights=" in link for link in found.links("/?like="))
    assert "/?text=oak" in found.links("/?text=oak")  # as usual
    assert "No role has a weight." in page(sample, "/?text=oak&weight-keyword=0", 422).text


def test_picture_is_kept_and_named_by_the_address(sample: TestClient, resources: Resources, document: str) -> None:
    image = first_image(sample, document)
    picture = sample.get(f"/images/{image}/file").content
    sent = sample.post(
        "/ui/picture", files={"image": ("a.png", picture)}, data={"text": "", "by": "image"}, follow_redirects=False
    )
    assert sent.status_code == 303
    name = parse_qs(urlsplit(sent.headers["location"]).query)["picture"][0]
    assert find_picture(resources, name) is not None
    read = page(sample, sent.headers["location"])
    assert read.links("/ui/images/")[0] == f"/ui/images/{image}"
    assert [given for given in read.all("img") if given.get("src", "").startswith("data:image/jpeg;base64,")]
    assert read.all("input", name="picture", value=name)  # the next search keeps it
    both = page(sample, f"{sent.headers['location']}&text=oak")
    assert both.links("/ui/images/")
    sent = sample.post("/ui/picture", files={"image": ("a.png", b"no picture")}, follow_redirects=False)
    assert sent.status_code in (415, 422)
    assert sent.headers["content-type"].startswith("text/html")
    empty = sample.post("/ui/picture", files={"image": ("", b"")}, data={"text": "oak"}, follow_redirects=False)
    assert (empty.status_code, empty.headers["location"]) == (303, "/?text=oak")


def test_what_finds_nothing_close_is_said(sample: TestClient) -> None:
    read = page(sample, "/?text=oak&material=oakk")
    assert "Nothing was found." in read.text
    assert "Nothing has the material oakk. Nearest: " in read.text
    read = page(sample, "/?text=diesel+piston+ring&by=product")
    assert "Nothing matches closely. Nearest:" in read.text
    hits = sample.get("/search", params={"text": "diesel piston ring", "by": "product"}).json()["hits"]
    assert len(read.all("li", class_="card distant")) == len(hits) > 0
    assert read.links("/products/")


def test_more_results_are_one_link_away(sample: TestClient) -> None:
    images = sample.get("/search", params={"text": "oak", "k": 100}).json()["hits"]
    assert len(images) > 3
    read = page(sample, "/?text=oak&k=3")
    assert len(read.links("/ui/images/")) == 3
    assert f"3 of {len(images)} pictures" in " ".join(read.text.split())
    assert len(page(sample, "/?text=oak&k=100").links("/ui/images/")) == len(images)
    assert "/?text=oak&offset=3" in read.links("/?text=oak&offset=")
    part = page(sample, "/ui/results?text=oak&offset=3")  # what a script adds below
    assert [link.rpartition("/")[2] for link in part.links("/ui/images/")] == [each["id"] for each in images[3:27]]
    assert not part.all("form")


def test_nearly_equal_picture_folds_into_the_better_result(sample: TestClient, resources: Resources) -> None:
    def shown() -> list[str]:
        return [hit["id"] for hit in sample.get("/search", params={"text": "oak", "k": 5}).json()["hits"]]

    first, second, *_ = shown()
    with resources.ledger.write() as connection:
        keys = {row.id: row.content_key for row in connection.execute(images.select())}
        (one,) = connection.execute(contents.select().where(contents.c.key == keys[first])).all()
        same = {name: getattr(one, name) for name in ("phash", "width", "height")}
        connection.execute(update(contents).where(contents.c.key == keys[second]).values(**same))
        for vector in connection.execute(vectors.select().where(vectors.c.key == keys[first])).all():
            of_second = (vectors.c.key == keys[second]) & (vectors.c.role == vector.role)
            connection.execute(update(vectors).where(of_second).values(data=vector.data))
    read = page(sample, "/?text=oak&k=5")
    (folded,) = {first, second} - {*shown()}
    assert "1 picture nearly the same" in read.text
    assert f"/ui/images/{folded}" in read.links("/ui/images/")
