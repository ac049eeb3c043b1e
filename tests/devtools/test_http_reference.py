"""docs/http.md and docs/http/ have every endpoint with its key, parameters and statuses, as the service has them."""

import re

from devtools.generated_pages import stored
from devtools.http_reference import FOLDER, GROUPS, TARGET, pages
from swatchbook.domain.settings import load_settings
from swatchbook.doors.service.app import create_app


def test_pages_are_what_the_service_says() -> None:
    assert stored(pages(), FOLDER) == pages(), "run `make reference`"
    paths = create_app(load_settings()).openapi()["paths"]
    endpoints = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    made = pages()
    assert set(re.findall(r"^\| \[`(.+?)`\]", made[TARGET], re.MULTILINE)) == endpoints
    sections = re.findall(r"^## (.+)$", "".join(made[page] for page in made if page != TARGET), re.MULTILINE)
    assert sorted(sections) == sorted(endpoints)
    assert len(made) == 1 + len(GROUPS)
