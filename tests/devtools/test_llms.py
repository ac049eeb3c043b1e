"""llms.txt lists the pages of the site, in the form of https://llmstxt.org."""

import re

from devtools.generated_pages import stored
from devtools.llms import MOST_SIGNS, TARGET, about, pages
from tests.fixtures import ROOT


def test_file_is_up_to_date() -> None:
    assert stored(pages()) == pages(), "run `make reference`"


def test_file_has_the_form_of_llms_txt() -> None:
    head, *sections = pages()[TARGET].split("\n## ")
    assert re.fullmatch(r"# \w+\n\n(> .+\n)+\n[^#]+", head)
    assert len(sections) == 6
    for section in sections:
        _, _, *lines = section.rstrip().splitlines()
        links = [re.fullmatch(r"- \[[^\]]+\]\(([\w/.-]+)\): .+", line) for line in lines]
        assert all(links), section
        assert all((ROOT / link.group(1)).is_file() for link in links if link)


def test_a_page_is_described_by_its_first_sentence() -> None:
    assert about("# Title\n\nOne [link](a.md) **bold**\nhere. Two.") == "One link bold here."
    assert about("# T\n\n```console\n$ x\n\n$ y\n```\n\n| a |\n\nText.") == "Text."
    assert len(about("# T\n\n" + "word " * 90)) <= MOST_SIGNS + 2
