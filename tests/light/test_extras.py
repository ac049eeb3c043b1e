"""What is installed by choice only: which packages an extra has, which settings need it, and who imports it."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import files, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devtools.lock import LOCK, SECTIONS, packages, up_to
from swatchbook.domain.errors import MissingExtra, Policy
from swatchbook.domain.extras import MODULES, NEEDS, Need, how_to_install, require_extras
from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.commands.models import pull_chosen
from swatchbook.doors.cli.doctor import check_extras
from swatchbook.ingest.begin_run import register_given
from swatchbook.ingest.register import register
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import all_documents, get_document
from swatchbook_catalogue.pdf import ocr_languages
from swatchbook_service.worker import work_on_shards
from swatchbook_tables.rows import SQL, TableMapping, judge_rows
from tests.fixtures import ROOT
from tests.tables import rows_of

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = DECLARED["optional-dependencies"]
CHOSEN: Mapping[str, dict[str, Any]] = dict(rows_of(__file__, "chosen"))
"""Extra -> settings that need it."""


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in {module for modules in MODULES.values() for module in modules}:
        monkeypatch.setitem(sys.modules, module, None)


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def pinned_names(section: str) -> set[str]:
    return {each.partition("==")[0] for each in packages(up_to(section, LOCK.read_text()))}


def distribution_of(module: str, distributions: Mapping[str, list[str]]) -> str:
    """The distribution that a module comes from; of one in a package that several share, by its files."""
    shared, file = distributions[module.partition(".")[0]], f"{module.replace('.', '/')}/__init__.py"
    return next(name for name in shared if "." not in module or file in map(str, files(name) or ()))


def test_each_extra_brings_its_modules() -> None:
    distributions = packages_distributions()
    assert EXTRAS.keys() - {"all"} == MODULES.keys()
    for extra, modules in MODULES.items():
        brought = {canonicalize_name(distribution_of(module, distributions)) for module in modules}
        assert brought == names(EXTRAS[extra]), extra
    (everything,) = map(Requirement, EXTRAS["all"])
    assert (everything.name, everything.extras) == (DECLARED["name"], set(MODULES))


def test_sections_of_the_lock_have_their_extras() -> None:
    default, image, models, everything = map(pinned_names, SECTIONS)
    assert default < image < models < everything
    assert names(DECLARED["dependencies"]) - {"swatchbook-base"} <= default
    assert len(default) <= 160  # with those of other platforms; on Linux at most 155
    assert not default & {"torch", "weaviate-client", "psycopg", "pandas"}
    for extra in MODULES.keys() - {"notebook"}:
        assert names(EXTRAS[extra]) <= (models if extra in ("models", "voyage") else image), extra
    assert not image & {"torch", "triton", "transformers", "voyageai"}
    assert not models & {"pandas", "pytest", "mypy", "ruff", "schemathesis"}


def test_every_pin_has_hashes_and_names_no_index() -> None:
    lock = LOCK.read_text()
    assert all("--hash=sha256:" in lines for lines in packages(lock).values())
    assert "://" not in lock


def test_no_module_imports_an_extra_at_its_top() -> None:
    """The default's path imports no extra, whatever is installed."""
    blocked = [module for modules in MODULES.values() for module in modules]
    code = [sys.executable, str(ROOT / "tests" / "light" / "imports.py"), *blocked]
    run = subprocess.run(code, capture_output=True, text=True, check=True, cwd="/")
    assert json.loads(run.stdout) == {}


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.extra)
def test_setting_without_its_extra_names_both(need: Need) -> None:
    _, named, extra, _ = need
    settings = Settings(**CHOSEN[extra])
    with pytest.raises(MissingExtra) as missing:
        require_extras(settings)
    assert str(missing.value) == f"{named} needs the extra {extra}. Install it: {how_to_install(extra)}"
    assert missing.value.policy is Policy.BLOCKED
    with pytest.raises(MissingExtra, match=f"needs the extra {extra}"):
        check_extras(Resources(settings))


@pytest.mark.usefixtures("light")
def test_default_needs_no_extra_and_production_names_all() -> None:
    require_extras(Settings())
    assert check_extras(Resources(Settings())) == "installed: none; the settings need no other"
    with pytest.raises(MissingExtra, match=re.escape(how_to_install("models", "weaviate", "voyage"))):
        require_extras(Settings(profile="production"))


def test_every_extra_is_installed_here() -> None:
    for each in CHOSEN.values():
        require_extras(Settings(**each))
    assert check_extras(Resources(Settings())).startswith(f"installed: {', '.join(MODULES)};")


@pytest.mark.usefixtures("light")
def test_run_is_refused_before_any_work(home: Path, small_catalogue: Path) -> None:
    tools = Resources(Settings(encoder="siglip"))
    with pytest.raises(MissingExtra, match="ENCODER=siglip needs the extra models"):
        register(tools, small_catalogue, owner="anna", options=IngestOptions())
    assert not any(home.rglob("*.pdf"))
    assert all_documents(tools.ledger, None) == []
    tools.close()


def test_queued_document_is_blocked_with_the_reason(
    resources: Resources, small_catalogue: Path, request: pytest.FixtureRequest
) -> None:
    document = register(resources, small_catalogue, owner="anna", options=IngestOptions()).document
    request.getfixturevalue("light")
    tools = Resources(resources.settings.model_copy(update={"encoder": "siglip"}))
    with pytest.raises(MissingExtra):
        register_given(tools, str(document.file), owner="anna", options=IngestOptions())
    blocked = get_document(resources.ledger, document.id)
    assert (blocked.status, blocked.failure_kind) == (DocumentStatus.BLOCKED, "missing_extra")
    assert how_to_install("models") in (blocked.message or "")
    tools.close()


@pytest.mark.usefixtures("light")
def test_commands_name_their_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match="`swatchbook serve worker` needs the extra docker"):
        work_on_shards(Settings(), print)
    with pytest.raises(MissingExtra, match="needs the extra models"):
        pull_chosen(Settings(encoder="siglip"))
    monkeypatch.setenv("SHOP", "postgresql://localhost/none")
    with pytest.raises(MissingExtra, match="A table in PostgreSQL needs the extra postgres"):
        list(judge_rows(f"{SQL}SHOP", TableMapping(root=tmp_path, columns={}, query="SELECT 1")))


@pytest.mark.usefixtures("light")
def test_languages_of_print_are_read_only_with_tesseract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr_languages, "has_data", lambda language: True)
    assert ocr_languages.chosen_languages(None) == ()
    with pytest.raises(MissingExtra, match="Print in rus needs the extra tesseract"):
        ocr_languages.check_languages(["rus"])
    ocr_languages.check_languages([])
