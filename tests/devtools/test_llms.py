"""llms.txt lists the pages of the site, in the form of https://llmstxt.org."""

from devtools.generated_pages import stored
from devtools.llms import pages


def test_file_is_up_to_date() -> None:
    assert stored(pages()) == pages(), "run `make reference`"
