"""Plugins are found by name, chosen by a setting alone, and whatever they do wrong is named and costs as little as can
be.
"""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from swatchbook.choices import choices
from swatchbook.domain import plugins
from swatchbook.domain.errors import Configuration, IndexDown, MissingExtra, PluginFailed
from swatchbook.domain.plugins import BUILT_IN, UNCHOSEN, Kind, find
from swatchbook.domain.records import NO_MAPPING, ItemState, Role, sha256
from swatchbook.domain.settings import Settings, load_settings
from swatchbook.doors.cli.main import app
from swatchbook.index.contract import Where
from swatchbook.ingest.embed import process_batch
from swatchbook.ingest.publish import publish_all
from swatchbook.ingest.run import Work
from swatchbook.ingest.sources.batch import is_batch, list_batch
from swatchbook.models import registry
from swatchbook.resources import Resources, open_resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant
from swatchbook.store.ledger import claims
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.queries.report import failures
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.tables import images, vectors
from swatchbook.store.ledger.tables import items as rows
from swatchbook.upkeep.export.formats import write_products
from tests.command import bare_environment
from tests.doors.conftest import asking
from tests.fixtures import ROOT
from tests.ingest.sources.pictures import draw
from tests.ingest.test_scan import begin, scanned
from tests.plugins.conftest import CODE, PYPROJECT, Install
from tests.store.ledger import scene
from tests.store.ledger.scene import change, count
from tests.tables import rows_of, text_of
from tests.upkeep.export.test_formats import row

GRID = {Kind.ENCODER: {"colorgrid": "ColorGrid"}}
PICTURES = 3


def made_of(resources: Resources, folder: Path) -> Work:
    """Ingest the pictures of a folder, but for the failures that the last try of a batch leaves."""
    work = begin(resources, folder)
    scanned(resources, work)
    try:
        for batch in claims.cut_batches(resources.ledger, work.run, 20):
            process_batch(resources, work.run, batch, size=20, last_try=True)
        publish_all(resources, at_most=0)
    finally:
        scene.end(resources.ledger, work.run)
    return work


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in (0, 2, 4):
        draw(tmp_path / "pictures" / f"{number}.png", number)
    return tmp_path / "pictures"


def stored(resources: Resources, role: Role = Role.VISUAL) -> list[tuple[str, int]]:
    query = select(vectors.c.tag, vectors.c.dimension).where(vectors.c.role == role)
    return [(row.tag, row.dimension) for row in resources.ledger.execute(query)]


def found_by(resources: Resources, picture: Path) -> str | None:
    return find_relevant(resources, SearchRequest(image=picture, where=Where(), k=1)).hits[0].file


def key(picture: Path) -> str:
    return f"{sha256(picture.read_bytes())}.png"


def errors(resources: Resources, work: Work) -> set[str]:
    return {f"{each.kind}: {each.error}" for each in failures(resources.ledger, work.document)}


@pytest.mark.stack
def test_plugin_installed_into_a_fresh_environment_is_used(tmp_path: Path, pictures: Path, prefect_server: str) -> None:
    fresh, package = tmp_path / "fresh", tmp_path / "colorgrid"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", fresh], check=True)
    python = fresh / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    paths = [subprocess.check_output([each, "-c", ask], text=True).strip() for each in (sys.executable, python)]
    places = [paths[0], ROOT, *ROOT.glob("packages/*")]  # all that is installed here, without a copy
    Path(paths[1], "parent.pth").write_text("".join(f"{place}\n" for place in places))
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT)
    (package / "colorgrid.py").write_text(CODE["ColorGrid"])
    offline = ["--no-index", "--no-build-isolation", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *offline, package], check=True)
    environment = bare_environment() | {
        "SWATCHBOOK_HOME": str(tmp_path / "home"), "SWATCHBOOK_ENCODER": "colorgrid", "PREFECT_API_URL": prefect_server,
    }  # fmt: skip

    def swatchbook(*arguments: str) -> str:
        command = [python, "-m", "swatchbook.doors.cli.main", *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=300
        ).stdout

    swatchbook("ingest", str(pictures))
    assert "swatchbook-colorgrid 0.1" in swatchbook("models")
    searched = ("search", "--image", str(pictures / "4.png"), "-k", "1", "--json")
    assert [hit["title"] for hit in json.loads(swatchbook(*searched))] == ["4"]
    del environment["SWATCHBOOK_ENCODER"]  # the collection remembers by which plugin it was made
    assert [hit["title"] for hit in json.loads(swatchbook(*searched))] == ["4"]


def test_vectors_of_a_plugin_are_stored_and_searched(install: Install, tmp_path: Path, pictures: Path) -> None:
    install(CODE["ColorGrid"], GRID)
    with open_resources(Settings(home=tmp_path / "home", encoder="colorgrid")) as resources:
        made_of(resources, pictures)
        assert stored(resources) == [("colorgrid@1", 48)] * PICTURES
        assert stored(resources, Role.COLOR) == []
        assert found_by(resources, pictures / "4.png") == key(pictures / "4.png")
    with open_resources(Settings(home=tmp_path / "home")) as resources:  # the setting is back, the collection is not
        assert found_by(resources, pictures / "4.png") == key(pictures / "4.png")


def test_only_a_plugin_named_by_settings_is_imported(install: Install, tmp_path: Path) -> None:
    module = install("raise SystemExit('imported')", GRID)
    registry.tags(Settings(home=tmp_path))
    assert Settings(home=tmp_path, encoder="colorgrid").encoder == "colorgrid"  # a name alone imports nothing
    assert "colorgrid" in {each.name for each in plugins.installed(Kind.ENCODER)}
    assert module not in sys.modules
    with pytest.raises(
        Configuration, match=r"encoder plugin colorgrid \(swatchbook-plugin_\d+ 0\.1\) .*SystemExit: imp"
    ):
        registry.tags(Settings(home=tmp_path, encoder="colorgrid"))


@pytest.mark.parametrize("name", ["encoder", "text_encoder", "analyst", "index"])
def test_unknown_name_is_refused_with_all_known_ones(
    install: Install, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    module = install("", {kind: {"mine": "Mine"} for kind in Kind})
    with pytest.raises(Configuration) as caught:
        load_settings(**{name: "theirs"})
    assert f"no {name.replace('_', ' ')} is called 'theirs'" in str(caught.value)
    assert f"built in: {', '.join(BUILT_IN[Kind(name)])}" in str(caught.value).lower()
    assert f"mine (swatchbook-{module} 0.1)" in str(caught.value)


def test_plugin_cannot_take_a_built_in_name(install: Install, tmp_path: Path) -> None:
    module = install(CODE["ColorGrid"], {Kind.ENCODER: {"efficientnet": "ColorGrid"}})
    assert registry.tags(Settings(home=tmp_path))[Role.VISUAL].startswith("efficientnet-lite2@")
    assert "efficientnet" not in {each.name for each in plugins.installed(Kind.ENCODER)}
    assert module not in sys.modules


def test_name_of_two_packages_is_refused_with_both(install: Install, tmp_path: Path) -> None:
    first, second = install(CODE["ColorGrid"], GRID), install(CODE["ColorGrid"], GRID)
    with pytest.raises(Configuration, match=f"swatchbook-{first} 0.1 and swatchbook-{second} 0.1 both have"):
        load_settings(encoder="colorgrid", home=tmp_path)


def test_every_built_in_one_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind, names in BUILT_IN.items():
        for name in names:
            assert callable(plugins.find(kind, name).load())
    monkeypatch.setattr(plugins, "declared", None)
    plugins.installed.cache_clear()
    assert registry.tags(Settings(home=tmp_path))


FAULTY = text_of(__file__, "faulty")


def test_built_in_one_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("swatchbook_weaviate")] or ["swatchbook_weaviate"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"index weaviate needs the package swatchbook-weaviate\..*pip install"):
        find(Kind.INDEX, "weaviate").load()


@pytest.mark.parametrize(("fault", "says"), rows_of(__file__, "wrong_results"))
def test_wrong_results_are_named_and_stay_open(
    install: Install, tmp_path: Path, pictures: Path, fault: str, says: str
) -> None:
    module = install(FAULTY.format(fault=fault), {Kind.ENCODER: {"faulty": "Faulty"}})
    with open_resources(Settings(home=tmp_path / "home", encoder="faulty")) as resources:
        work = made_of(resources, pictures)
        assert stored(resources) == []
        assert errors(resources, work) == {
            says.replace("PLUGIN", f"The encoder plugin faulty (swatchbook-{module} 0.1)")
        }
        assert count(resources.ledger, rows, role=Role.VISUAL, state=ItemState.PENDING) == PICTURES
        assert count(resources.ledger, rows, role=Role.ANALYSIS, state=ItemState.DONE) == PICTURES


@pytest.mark.parametrize("fault", rows_of(__file__, "bad_pictures"))
def test_one_bad_picture_costs_one_picture(install: Install, tmp_path: Path, pictures: Path, fault: str) -> None:
    install(FAULTY.format(fault=fault), {Kind.ENCODER: {"faulty": "Faulty"}})
    with open_resources(Settings(home=tmp_path / "home", encoder="faulty")) as resources:
        work = made_of(resources, pictures)
        assert stored(resources) == [("faulty@1", 3)] * (PICTURES - 1)
        assert len(failures(resources.ledger, work.document)) == 1
        assert "faulty" in errors(resources, work).pop()


def test_undeclared_dimension_blocks_until_it_is_mended(install: Install, tmp_path: Path, pictures: Path) -> None:
    module = install(FAULTY.format(fault="return means[:, :2]"), {Kind.ENCODER: {"faulty": "Faulty"}})
    with open_resources(Settings(home=tmp_path / "home", encoder="faulty")) as resources:
        with pytest.raises(Configuration, match=f"faulty .swatchbook-{module} 0.1. returned vectors of 2 numbers"):
            made_of(resources, pictures)
        assert stored(resources) == []
        assert count(resources.ledger, rows, role=Role.VISUAL, state=ItemState.PENDING) == PICTURES
    sys.modules.pop(module)
    (tmp_path / module / f"{module}.py").write_text(FAULTY.format(fault="") + "# mended\n")
    with open_resources(Settings(home=tmp_path / "home", encoder="faulty")) as resources:
        made_of(resources, pictures)
        assert stored(resources) == [("faulty@1", 3)] * PICTURES


def test_changed_dimension_under_the_same_tag_is_refused(install: Install, tmp_path: Path, pictures: Path) -> None:
    module = install(CODE["ColorGrid"], GRID)
    with open_resources(Settings(home=tmp_path / "home", encoder="colorgrid")) as resources:
        made_of(resources, pictures)
    sys.modules.pop(module)
    (tmp_path / module / f"{module}.py").write_text(CODE["ColorGrid"].replace("48", "12").replace("(4, 4)", "(2, 2)"))
    draw(pictures / "new.png", PICTURES)
    with open_resources(Settings(home=tmp_path / "home", encoder="colorgrid")) as resources:
        with pytest.raises(
            Configuration, match=r"colorgrid@1 makes visual vectors of 12 numbers.*have 48.*changed tag"
        ):
            made_of(resources, pictures)
        assert stored(resources) == [("colorgrid@1", 48)] * PICTURES
        assert count(resources.ledger, rows, role=Role.VISUAL, state=ItemState.PENDING) == 1


@pytest.mark.parametrize(("code", "says"), rows_of(__file__, "unusable"))
def test_unusable_plugin_is_named_in_a_configuration_error(
    install: Install, tmp_path: Path, code: str, says: str
) -> None:
    module = install(code, {Kind.ENCODER: {"faulty": "Faulty"}})
    with pytest.raises(Configuration, match=says) as caught:
        registry.tags(Settings(home=tmp_path, encoder="faulty"))
    assert f"The encoder plugin faulty (swatchbook-{module} 0.1) " in str(caught.value)
    assert "hush" not in str(caught.value)


def test_memory_of_a_plugin_halves_the_batch(install: Install, tmp_path: Path, pictures: Path) -> None:
    code = "class OutOfMemoryError(RuntimeError): pass\n" + FAULTY.format(
        fault="if len(pictures) > 2: raise OutOfMemoryError('CUDA')"
    )
    install(code, {Kind.ENCODER: {"faulty": "Faulty"}})
    with open_resources(Settings(home=tmp_path / "home", encoder="faulty")) as resources:
        made_of(resources, pictures)
        assert len(stored(resources)) == PICTURES


def test_documented_text_encoder_and_analyst_serve_text_search(
    install: Install, tmp_path: Path, pictures: Path
) -> None:
    install(CODE["Words"], {Kind.TEXT_ENCODER: {"words": "Words"}})
    install(CODE["Brightness"], {Kind.ANALYST: {"brightness": "Brightness"}})
    settings = Settings(home=tmp_path / "home", text_encoder="words", analyst="brightness")
    with open_resources(settings) as resources:
        made_of(resources, pictures)
        assert set(stored(resources, Role.UNDERSTANDING)) == {("words@1", 512)}
        found = find_relevant(resources, SearchRequest("texture bright", where=Where(), k=PICTURES)).hits
        assert 0 < sum(hit.close for hit in found) < PICTURES


@pytest.mark.parametrize(("returned", "says"), rows_of(__file__, "wrong_analyses"))
def test_wrong_analyses_are_named_and_stay_open(
    install: Install, tmp_path: Path, pictures: Path, returned: str, says: str
) -> None:
    code = f"class Faulty:\n    tag = 'faulty@1'\n    def analyse(self, pictures): return {returned}\n"
    install(code, {Kind.ANALYST: {"faulty": "Faulty"}})
    with open_resources(Settings(home=tmp_path / "home", analyst="faulty")) as resources:
        work = made_of(resources, pictures)
        (error,) = errors(resources, work)
        assert "The analyst plugin faulty " in error
        assert says in error
        assert len(stored(resources)) == PICTURES
        assert count(resources.ledger, rows, role=Role.ANALYSIS, state=ItemState.PENDING) == PICTURES


def test_texts_find_pictures_through_a_plugin_with_both(install: Install, tmp_path: Path, pictures: Path) -> None:
    code = CODE["ColorGrid"] + (
        "\n    def embed_texts(self, texts):\n"
        "        colours = {'dark blue': (0, 0, 120)}\n"
        "        return np.stack([np.tile(np.array(colours[text]) / 255 - 0.5, 16) for text in texts])\n"
    )
    install(code, GRID)
    with open_resources(Settings(home=tmp_path / "home", encoder="colorgrid", relevance_floor=0)) as resources:
        made_of(resources, pictures)
        found = find_relevant(resources, SearchRequest("dark blue", where=Where(), k=1, weights={"visual": 1})).hits
        assert [hit.file for hit in found] == [key(pictures / "0.png")]


def test_plugin_format_is_written_only_to_a_file(install: Install, tmp_path: Path, home: Path) -> None:
    install(CODE["write_markdown"], {Kind.EXPORTER: {"markdown": "write_markdown"}})
    out = io.BytesIO()
    written = write_products([row("Oak"), row("Ash")], "markdown", out, temporary_folder=tmp_path)
    assert (written.products, written.skipped) == (2, 0)
    assert [line.split(",")[0] for line in out.getvalue().decode().splitlines()] == ["- Oak", "- Ash"]
    open_ledger(Settings(home=home).ledger).close()
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["export", "--all", "--format", "markdown"])
    assert done.exit_code == 2
    assert "markdown is written to a file: add --to PATH" in " ".join(done.output.replace("│", " ").split())


def test_unreachable_index_waits_and_other_failures_are_named(install: Install, tmp_path: Path, pictures: Path) -> None:
    code = (
        CODE["open_index"].replace("return LanceIndex(", "return Broken(")
        + "\n\nclass Broken(LanceIndex):\n"
        + "    def upsert(self, space, objects):\n"
        + "        home = self._place.folder.parent\n"
        + "        if (down := home / 'down').exists(): raise ConnectionError(down.read_text())\n"
        + "        if (home / 'mute').exists(): return None\n"
        + "        return super().upsert(space, objects)\n"
        + "    def keyword(self, *_): raise KeyError('terms')\n"
        + "    def ids(self, space):\n"
        + "        yield from super().ids(space)\n"
        + "        raise LookupError('more')\n"
    )
    module = install(code, {Kind.INDEX: {"mine": "open_index"}})
    named = f"The index plugin mine (swatchbook-{module} 0.1)"
    (tmp_path / "home").mkdir()
    with open_resources(Settings(home=tmp_path / "home", index="mine")) as resources:
        (tmp_path / "home" / "down").write_text("no route")
        with pytest.raises(IndexDown) as down:
            made_of(resources, pictures)
        assert str(down.value) == f"{named} raised ConnectionError: no route."
        assert count(resources.ledger, rows, state=ItemState.DONE) == count(resources.ledger, rows)
        (tmp_path / "home" / "down").rename(tmp_path / "home" / "mute")
        assert publish_all(resources, at_most=0).published == 0
        (tmp_path / "home" / "mute").unlink()
        change(resources.ledger, images, publish_next=None)
        assert publish_all(resources, at_most=0).published == PICTURES
        assert not (tmp_path / "home" / "index").exists(), "it has a place of its own"
        assert found_by(resources, pictures / "4.png") == key(pictures / "4.png")
        space = next(each.space for each in registered(resources.ledger) if each.space.role is Role.VISUAL)
        for operation in (lambda: resources.index.keyword(space, "oak", 1), lambda: [*resources.index.ids(space)]):
            with pytest.raises(PluginFailed, match=re.escape(named)):
                operation()


def test_index_without_an_operation_is_refused(install: Install, tmp_path: Path) -> None:
    install("class Half:\n    def probe(self): pass\n", {Kind.INDEX: {"half": "Half"}})
    with (
        open_resources(Settings(home=tmp_path, index="half")) as resources,
        pytest.raises(Configuration, match=r"index plugin half .* has no ensure, upsert, fetch"),
    ):
        _ = resources.index


def test_list_names_all_plugins_importing_only_active_ones(install: Install, tmp_path: Path) -> None:
    active = install(CODE["ColorGrid"], GRID)
    others = install("raise ImportError", {kind: {"mine": "Mine"} for kind in Kind})
    shadow = install("raise ImportError", {Kind.ENCODER: {"descriptors": "Mine"}})
    found = {
        (each.kind, each.name, each.package): each for each in choices(Settings(home=tmp_path, encoder="colorgrid"))
    }
    grid = found[Kind.ENCODER, "colorgrid", f"swatchbook-{active} 0.1"]
    assert (grid.active, grid.licence, grid.makes, grid.lacks) == (True, "MIT", {Role.VISUAL: 48}, None)
    assert {kind for kind, name, _ in found if name == "mine"} == set(Kind) - UNCHOSEN
    assert found[Kind.ENCODER, "descriptors", f"swatchbook-{shadow} 0.1"].lacks == "it has the name of a built-in one"
    network = found[Kind.ENCODER, "efficientnet", None]
    assert (network.active, network.licence, network.makes[Role.VISUAL]) == (False, "Apache-2.0", 1_280)
    assert network.megabytes == pytest.approx(12.3, abs=0.1)
    assert {(each.kind, each.name) for each in found.values() if each.active} == {
        (Kind.ENCODER, "colorgrid"), (Kind.TEXT_ENCODER, "e5"), (Kind.ANALYST, "local"), (Kind.INDEX, "lance"),
        (Kind.PDF_READER, "mupdf"),
    }  # fmt: skip
    assert found.keys() >= {
        (kind, name, None) for kind in Kind if kind is not Kind.ITEM_FILES for name in BUILT_IN[kind]
    }
    assert not {others, shadow} & sys.modules.keys()


MAKER = text_of(__file__, "maker")


def test_model_maker_declares_tags_settings_and_downloads(install: Install, tmp_path: Path) -> None:
    install(MAKER, {Kind.ENCODER: {"ours": "OURS"}})
    settings = Settings(home=tmp_path, encoder="ours", encoder_model="birch")
    assert registry.vector_tags(settings)[Role.VISUAL] == "birch@1"
    assert registry.model_record(settings, Role.VISUAL) == {"encoder": "ours", "encoder_model": "birch"}
    with pytest.raises(Configuration, match="not downloaded"):
        registry.load(settings).require(Role.VISUAL)
    assert [each.lacks for each in choices(settings) if each.name == "ours"] == ["The weights are not downloaded."]
    assert [each.model for each in registry.pull(settings)] == ["birch"]
    registry.load(settings).require(Role.VISUAL)
    (listed,) = [each for each in choices(settings) if each.name == "ours"]
    assert (listed.lacks, listed.licence, listed.megabytes) == (None, "CC0-1.0", 2.0)


@pytest.mark.usefixtures("home")
def test_package_without_a_router_is_named(install: Install) -> None:
    module = install("router = len", {Kind.ROUTER: {"tell": "router"}})
    with pytest.raises(Configuration, match=f"router plugin tell .swatchbook-{module} 0.1. is no APIRouter"), asking():
        pass


def test_reader_of_the_page_lists_items(install: Install, tmp_path: Path) -> None:
    install(CODE["Lines"], {Kind.ITEM_FILES: {"lines": "Lines"}})
    draw(tmp_path / "shop" / "a.png")
    (tmp_path / "shop" / "items.lines").write_text("7;Chair;a.png\n8;Lamp;gone.png\n")
    assert is_batch(tmp_path / "shop")
    chair, lamp = list_batch(tmp_path / "shop", NO_MAPPING, max_bytes=1 << 20)
    assert (chair.item, chair.title, [each.path for each in chair.pictures]) == ("7", "Chair", ["a.png"])
    assert "gone.png" in str(lamp.problem)
