"""Write docs/settings.md: every setting with its default, its values and when to change it, as the program has them.

`python -m devtools.settings_reference` (`make reference`); `tests/devtools/test_generated_pages.py` fails while the
page is out of date.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from devtools.generated_pages import DOCS, Pages, cell, write
from swatchbook.domain import plugins
from swatchbook.domain.settings import FIELDS, PROFILES, Settings, variable

TARGET: Final = DOCS / "settings.md"
_HEAD: Final = """# Settings

Every setting with its default, its values and when to change it; `make reference` writes this page. Set them as
variables `SWATCHBOOK_*`, in a `.env` file of yours, or in a file given by `--env-file`. The environment goes before the
file, the file before the defaults. `swatchbook config` lists all of them with their values and where these come from; a
value out of range is an error that names the setting. Some settings need an extra, which they name where it is missing:
[install.md](install.md#extras).

A profile is a set of defaults: what `production` sets otherwise is named with the default. Models and their cost:
[models.md](models.md), [encoders.md](encoders.md), [providers.md](providers.md). Searches and their weights:
[quality.md](quality.md). The service: [service.md](service.md). Containers: [deploy.md](deploy.md).

A variable of another counts too: `PREFECT_API_URL` is your Prefect server; without it each ingest starts its own.

`make weaviate` starts a Weaviate server: the one on your PATH, else the official image if Docker runs, else one that it
builds with Go.
"""


def pages() -> Pages:
    """Return the page: a table for each group of settings, in the order of their declaration."""
    parts = [_HEAD]
    for heading, names in _groups().items():
        title, _, about = heading.partition(": ")
        parts.append(f"\n## {title[0].upper()}{title[1:]}\n\n")
        if about:
            parts.append(f"{about[0].upper()}{about[1:]}.\n\n")
        parts.append("| setting | default | values | meaning |\n| --- | --- | --- | --- |\n")
        parts += [_row(name) for name in names]
    return {TARGET: "".join(parts)}


def _groups() -> Mapping[str, list[str]]:
    """Return the settings by the comment above them in the class, and each group of its own; the first are general."""
    source = inspect.getsource(Settings)
    lines = {
        each.lineno: each.target.id
        for each in ast.walk(ast.parse(source))
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    groups, heading = dict[str, list[str]]({"general": []}), "general"
    for number, line in enumerate(source.splitlines(), 1):
        if line.startswith("    # "):
            heading = line.removeprefix("    # ")
            groups[heading] = []
        elif (name := lines.get(number)) in Settings.model_fields:
            field = Settings.model_fields[name]
            of_group = [each for each in FIELDS if each.startswith(f"{name}.")]
            if of_group:
                groups[(field.description or "").replace(". ", ": ", 1).removesuffix(".")] = of_group
            else:
                groups[heading].append(name)
    return {heading: names for heading, names in groups.items() if names}


def _row(name: str) -> str:
    field = FIELDS[name]
    default = _default(name, field)
    for profile, defaults in PROFILES.items():
        if name in defaults and defaults[name] != field.default:
            default += f"; `{profile}`: `{defaults[name]}`"
    cells = (f"`{variable(name)}`", default, ", ".join(_values(name, field)), field.description or "")
    return f"| {' | '.join(map(cell, cells))} |\n"


def _default(name: str, field: FieldInfo) -> str:
    if name == "home":
        return "the platform's data folder"
    default = field.get_default(call_default_factory=True)
    if default in (None, "", ()) or default == {}:
        return "none"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`"
    return f"`{default}`"


def _values(name: str, field: FieldInfo) -> Iterator[str]:
    """Yield what a setting may be: its choices or range, or what kind of value it has."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        yield ", ".join(f"`{each}`" for each in get_args(annotation))
    elif name in {kind.value for kind in plugins.Kind}:
        yield ", ".join(f"`{each}`" for each in plugins.BUILT_IN[plugins.Kind(name)]) + ", or a plugin"
    elif limits := _range(field):
        yield limits
    elif "SecretStr" in str(annotation):
        yield "a secret"
    elif annotation is Path:
        yield "a folder"
    elif annotation is bool:
        yield "`true` or `false`"
    elif isinstance(annotation, type) and issubclass(annotation, int | float):
        yield "a number"
    elif get_origin(annotation) is tuple or any(get_origin(each) is tuple for each in get_args(annotation)):
        yield "a JSON list" if _is_model(get_args(annotation)[0]) else "a list: `a,b` or JSON"
    elif _is_model(annotation) or get_origin(annotation) in (dict, Mapping):
        yield "a JSON object"
    else:
        yield "a text"


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _range(field: FieldInfo) -> str:
    """Return the range of a number, or "" if the setting has none."""
    limits = {key: getattr(each, key) for each in field.metadata for key in ("ge", "gt", "le") if hasattr(each, key)}
    if not limits:
        return ""
    low = f"above {limits['gt']:,}" if "gt" in limits else f"{limits['ge']:,}"
    return f"{low} to {limits['le']:,}"


if __name__ == "__main__":
    write(pages())
