"""Write llms.txt: the pages of the documentation with one line each, as https://llmstxt.org describes.

The sections are the menus of mkdocs.yml; what a page is about is its first sentence. `python -m devtools.llms`
(`make reference`); `tests/devtools/test_generated_pages.py` fails while the file is out of date.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from devtools.generated_pages import ROOT, Pages, write
from devtools.site_pages import expanded, source_of, title_of

TARGET: Final = ROOT / "llms.txt"
CONFIG: Final = ROOT / "mkdocs.yml"
MOST_SIGNS: Final = 200
"""Of the line about a page; a longer one ends with an ellipsis."""

_HEAD: Final = """# Swatchbook

> Swatchbook turns product catalogues (PDF), folders of images and scraped items into one searchable collection of
> products, images, text and vectors, and accounts for every image: it is embedded, or listed with the reason and the
> time of the next try. A Python package with a command line, an HTTP service with a web page, and a Python client.

The pages are Markdown in the repository; `make site` builds them as a site. Begin with README.md. Words with a special
meaning are in docs/glossary.md.
"""


_NO_TEXT: Final = re.compile(r"#|\||!\[|- |<!--| {4}|`[^`]+`$")
"""Headings, tables, pictures, lists, comments, and code alone."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """Reads mkdocs.yml, whose tags for Python objects are of no interest here."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)


def pages() -> Pages:
    """Return the file: a section for each menu of the site, with a link to each of its pages."""
    nav = yaml.load(CONFIG.read_text(), Loader=_Loader)["nav"]  # noqa: S506  # a SafeLoader that makes no objects
    sections = [(title, entries) for menu in expanded(nav) for title, entries in menu.items()]
    parts = [f"\n## {title}\n\n" + "".join(map(_line, _pages_of(entries))) for title, entries in sections]
    return {TARGET: _HEAD + "".join(parts)}


def _pages_of(entries: Any) -> Iterator[str]:
    """Yield the pages of a menu and of the menus in it."""
    if isinstance(entries, str):
        yield entries
        return
    for each in entries.values() if isinstance(entries, dict) else entries:
        yield from _pages_of(each)


def _line(page: str) -> str:
    source = source_of(page)
    return f"- [{title_of(ROOT / source)}]({source}): {about((ROOT / source).read_text())}\n"


def about(markdown: str) -> str:
    """Return the first sentence of a page's first paragraph, without links and marks."""
    paragraphs = (each.strip() for each in re.sub(r"^```.*?^```", "", markdown, flags=re.M | re.S).split("\n\n"))
    text = next(each for each in paragraphs if each and not _NO_TEXT.match(each))
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.replace("**", "").split()))
    sentence = re.split(r"(?<=[.:])\s(?=[A-Z“`])", plain)[0].rstrip(":")
    if len(sentence) <= MOST_SIGNS:
        return sentence
    return sentence[:MOST_SIGNS].rpartition(" ")[0].rstrip(",;:") + " …"


if __name__ == "__main__":
    write(pages())
