"""docs/http.md has every endpoint with its key and what it takes, as the service has them."""

import re

from devtools.generated_pages import stored
from devtools.http_reference import TARGET, pages
from swatchbook.domain.settings import load_settings
from swatchbook_service.app import create_app


def test_page_is_what_the_service_says() -> None:
    assert stored(pages()) == pages(), "run `make reference`"
    paths = create_app(load_settings()).openapi()["paths"]
    endpoints = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    rows = dict(re.findall(r"^\| `(.+?)` \| [^|]+ \| (.*) \| [^|]+ \|$", pages()[TARGET], re.MULTILINE))
    assert rows.keys() == endpoints
    assert re.findall(r"`(\w+)`:", rows["POST /documents/{document_id}/retry"]) == ["force"]
