"""docs/settings.md has every setting with its default, values and description, as the program has them."""

import re

from devtools.generated_pages import stored
from devtools.settings_reference import TARGET, pages
from swatchbook.domain.settings import FIELDS, variable


def test_page_is_what_the_program_says() -> None:
    assert stored(pages()) == pages(), "run `make reference`"
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", pages()[TARGET], re.MULTILINE)
    assert sorted(rows) == sorted(map(variable, FIELDS))
