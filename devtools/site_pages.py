"""Give mkdocs the pages of the site that are outside docs/, and make links that work in the repository work there.

mkdocs.yml names it as a hook. `make site` builds the site.
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]

OUTSIDE: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
    "benchmarks/catalogues/DATASHEET.md": "benchmark-of-catalogues.md",
    "benchmarks/catalogues/LEADERBOARD.md": "leaderboard-of-catalogues.md",
    "benchmarks/pictures/DATASHEET.md": "benchmark-of-pictures.md",
    "benchmarks/pictures/LEADERBOARD.md": "leaderboard-of-pictures.md",
    "samples/README.md": "samples.md",
    "tests/truth/README.md": "truth.md",
    "llms.txt": "llms.txt",
}
"""File of the repository -> its page of the site. Everything else on the site is in docs/, under the same name."""

_PAGES: Final = {page: file for file, page in OUTSIDE.items()}

_SPLIT: Final = re.compile(r"(^ *```.*?^ *```|`[^`\n]+`(?!\]))", re.MULTILINE | re.DOTALL)
"""Code, in which nothing is a link. Code that is the text of a link ends with `]` and is no match."""

_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_IS_PATH: Final = re.compile(r"`?[\w/.-]+\.md(#[\w-]+)?`?|docs/[\w/]+")
_ROW: Final = re.compile(r"^\|.*\|$", re.MULTILINE)


def source_of(page: str) -> str:
    """Return the path in the repository of a page of the site."""
    return _PAGES.get(page, f"docs/{page}")


def page_of(file: str) -> str | None:
    """Return the page or file of the site that a path in the repository is, or None if the site lacks it."""
    if file in OUTSIDE:
        return OUTSIDE[file]
    return file.removeprefix("docs/") if file.startswith("docs/") and (ROOT / file).is_file() else None


def title_of(file: Path) -> str:
    """Return the first heading of a page, else its file's name."""
    found = re.search(r"^# (.+)$", file.read_text(), re.MULTILINE)
    return found.group(1) if found else file.name


def for_site(markdown: str, page: str) -> str:
    """Return the text of a page with links within the site.

    A link to a file that the site lacks becomes its text. A text that is only the path of a page becomes its title.
    """
    folder = posixpath.dirname(source_of(page))

    def change(link: re.Match[str]) -> str:
        image, text, target = link.groups()
        name, mark, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not name:
            return link.group()
        file = posixpath.normpath(posixpath.join(folder, name))
        to = page_of(file)
        if to is None:
            return str(text)
        if not image and _IS_PATH.fullmatch(text):
            text = title_of(ROOT / file)
        return f"{image}[{text}]({posixpath.relpath(to, posixpath.dirname(page) or '.')}{mark}{anchor})"

    parts = _SPLIT.split(markdown)
    parts[::2] = [_LINK.sub(change, part) for part in parts[::2]]
    return _ROW.sub(_plain_bars, "".join(parts))


def _plain_bars(row: re.Match[str]) -> str:
    """Return a row of a table whose code has bars as GitHub needs them, with those that the site needs."""
    return re.sub(r"`[^`]+`", lambda code: code.group().replace("\\|", "|"), row.group())


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of a folder where a menu names it with a slash at the end."""
    config.nav = expanded(config.nav or [])
    return config


def expanded(nav: Any) -> Any:
    """Return a menu with the pages of folders in place of `commands/`."""
    if isinstance(nav, Mapping):
        return {title: expanded(entries) for title, entries in nav.items()}
    if isinstance(nav, list):
        return [each for entry in nav for each in (_folder(entry) if _is_folder(entry) else [expanded(entry)])]
    return nav


def _is_folder(entry: Any) -> bool:
    return isinstance(entry, str) and entry.endswith("/")


def _folder(name: str) -> list[str]:
    return [path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs" / name).glob("*.md"))]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/."""
    for file, page in OUTSIDE.items():
        if (ROOT / file).is_file():
            files.append(File.generated(config, page, content=(ROOT / file).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Change the links of a page."""
    return for_site(markdown, page.file.src_uri)
