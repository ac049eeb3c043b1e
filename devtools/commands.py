"""Write docs/commands.md: every command of the program with its help, arguments and options.

`python -m devtools.commands` (`make reference`); `tests/devtools/test_generated_pages.py` fails while it is out of
date.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from typer.main import get_command

from devtools.generated_pages import DOCS, Pages, cell, write
from swatchbook.doors.cli.main import PANELS, app

TARGET: Final = DOCS / "commands.md"
COMMON: Final = {
    "--json": "Print JSON, and nothing else, to stdout.",
    "--owner NAME": "Owner of the documents; `default` if not given.",
    "--all-owners": "The documents of all owners.",
}
"""Options that the head of the page explains once."""

_HEAD: Final = """# Commands

Every command with its arguments and options, as `swatchbook COMMAND --help` prints them; `make reference` writes this
page. `--json` prints JSON, and nothing else, to stdout; no command that reads needs Prefect. Commands on documents are
for one owner, `default` unless `--owner` names another; `--all-owners` means everybody's ([owners.md](owners.md)). A
document is named by its id, the beginning of that, or its file name.

Exit status: 0 completed · 1 failed, blocked, cancelled, deleted meanwhile, or the input was refused · 2 wrong usage ·
3 waiting, or completed with failures or without all pictures · 130 interrupted.
"""


def pages() -> Pages:
    """Return the page: a table for each panel of `--help`, with a row for each command and subcommand."""
    group: Any = get_command(app)
    parts = [_HEAD]
    for panel, names in names_by_panel(group).items():
        parts.append(f"\n## {panel}\n\n| command | what it does |\n| --- | --- |\n")
        rows = (row for name in names for row in _rows(group.commands[name], name))
        parts += [f"| `{cell(usage)}` | {cell(meaning)} |\n" for usage, meaning in rows]
    return {TARGET: "".join(parts)}


def names_by_panel(group: Any) -> dict[str, list[str]]:
    """Return each panel of the help with the names of its commands: the core's, then those of packages."""
    panels = {panel: [name for name in names if " " not in name] for panel, names in PANELS.items()}
    for name in group.list_commands(None):
        panel = panels[group.commands[name].rich_help_panel]
        if name not in panel:
            panel.append(name)
    return panels


def _rows(command: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the usage of a command and its help with its arguments and options, then those of its subcommands."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    common = [each for each in options if COMMON.get(_option(each)) == _meaning(each)]
    named = [(_argument(each), each) for each in arguments]
    named += [(_option(each), each) for each in options if each.name != "help" and each not in common]
    explained = (f"`{name}`: {_meaning(each)}" for name, each in named)
    usage = [path, *map(_argument, arguments), *(f"[{_option(each)}]" for each in common)]
    yield " ".join(usage), "<br>".join([_text(command.help or ""), *explained])
    for name, subcommand in getattr(command, "commands", {}).items():
        yield from _rows(subcommand, f"{path} {name}")


def _argument(argument: Any) -> str:
    name = (argument.metavar or argument.human_readable_name.upper()).strip("[]{}")
    name = f"{name}…" if argument.nargs == -1 and not name.endswith("…") else name
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    if option.is_flag:
        return names
    return f"{names} {option.metavar or _kind(option.type_descriptor.annotation)}"


def _kind(annotation: Any) -> str:
    """Return the choices of a Literal, else what a value of a type is called."""
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    return "NUMBER" if annotation in (int, float) else "PATH" if annotation is Path else "TEXT"


def _meaning(parameter: Any) -> str:
    default = parameter.default
    shown = (
        f" Default: {default}." if isinstance(default, int | float | str) and default not in (False, "", True) else ""
    )
    return _text(getattr(parameter, "help", None) or "") + shown


def _text(text: str) -> str:
    """Return a help in one line, without the marks that only a terminal shows."""
    return " ".join(text.replace("\b", "").replace("\f", "").split())


if __name__ == "__main__":
    write(pages())
