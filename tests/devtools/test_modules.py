"""docs/modules.md names every module with the rules that it holds."""

from devtools.modules import PACKAGES, ROOT, TARGET, page, summary


def test_page_is_up_to_date() -> None:
    assert TARGET.read_text() == page(), "run `make modules`"


def test_every_module_says_what_it_holds() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts]
    assert [str(path) for path in modules if path.name != "__init__.py" and not summary(path)] == []
