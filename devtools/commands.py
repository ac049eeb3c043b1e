"""Write docs/commands.md and docs/commands/: every command of the program with its help, arguments and options.

`python -m devtools.commands` (`make reference`); `tests/devtools/test_commands.py` fails while a page is out of date.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from typer.main import get_command

from devtools.generated_pages import DOCS, Pages, cell, write
from swatchbook.doors.cli.main import PANELS, app

TARGET: Final = DOCS / "commands.md"
FOLDER: Final = DOCS / "commands"
COMMON: Final = {
    "--json": "Print JSON, and nothing else, to stdout.",
    "--owner NAME": "Owner of the documents; `default` if not given.",
    "--all-owners": "The documents of all owners.",
}
"""Options that the head of the list explains once."""

_HEAD: Final = """# Commands

Every command with its arguments and options, as `swatchbook COMMAND --help` prints them; `make reference` writes these
pages. `--json` prints JSON, and nothing else, to stdout; no command that reads needs Prefect. Commands on documents are
for one owner, `default` unless `--owner` names another; `--all-owners` means everybody's ([owners.md](owners.md)). A
document is named by its id, the beginning of that, or its file name.

Exit status: 0 completed · 1 failed, blocked, cancelled, deleted meanwhile, or the input was refused · 2 wrong usage ·
3 waiting, or completed with failures or without all pictures · 130 interrupted.
"""


def pages() -> Pages:
    """Return the list of all commands, a page for each panel of `--help`, and one for each group of commands."""
    group: Any = get_command(app)
    by_panel = names_by_panel(group)
    groups = {name for name, command in group.commands.items() if hasattr(command, "commands")}
    made: dict[Path, str] = {}
    index = [_HEAD]
    for panel, names in by_panel.items():
        index.append(f"\n## {panel}\n\n| command | what it does |\n| --- | --- |\n")
        for name in names:
            command = group.commands[name]
            alone = name in groups
            page = FOLDER / f"{name if alone else panel.lower()}.md"
            made.setdefault(page, "" if alone else _panel_head(panel, [each for each in names if each not in groups]))
            made[page] += "".join(_command(command, name, level=1 if alone else 2))
            anchor = "" if alone else f"#{name}"
            index.append(f"| [{name}](commands/{page.name}{anchor}) | {_first_sentence(command)} |\n")
    return {TARGET: "".join(index)} | {page: text.lstrip() for page, text in made.items()}


def names_by_panel(group: Any) -> dict[str, list[str]]:
    """Return each panel of the help with the names of its commands: the core's, then those of packages."""
    panels = {panel: [name for name in names if " " not in name] for panel, names in PANELS.items()}
    for name in group.list_commands(None):
        panel = panels[group.commands[name].rich_help_panel]
        if name not in panel:
            panel.append(name)
    return panels


def _panel_head(panel: str, names: Sequence[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    about = f"The commands that `swatchbook --help` lists as {panel}: {listed}."
    return f"# Commands: {panel.lower()}\n\n{about} All others: [commands.md](../commands.md).\n"


def _first_sentence(command: Any) -> str:
    return cell(_text(command.help or "").split("\n")[0].partition(". ")[0].rstrip(".") + ".")


def _command(command: Any, path: str, *, level: int) -> Iterator[str]:
    """Yield the section of a command, then those of its subcommands."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    common = [each for each in options if COMMON.get(_option(each)) == _cell(each)]
    usage = " ".join([path, *map(_argument, arguments), *(f"[{_option(each)}]" for each in common)])
    yield f"\n{'#' * level} {path}\n\n`{usage}`\n\n{_text(command.help or '')}\n"
    rows = [(f"`{_argument(each)}`", each) for each in arguments]
    rows += [(f"`{_option(each)}`", each) for each in options if each.name != "help" and each not in common]
    if rows:
        yield "\n| argument or option | meaning |\n| --- | --- |\n"
        yield from (f"| {name} | {_cell(each)} |\n" for name, each in rows)
    for name, subcommand in getattr(command, "commands", {}).items():
        yield from _command(subcommand, f"{path} {name}", level=level + 1)


def _argument(argument: Any) -> str:
    name = (argument.metavar or argument.human_readable_name.upper()).strip("[]{}")
    name = f"{name}…" if argument.nargs == -1 and not name.endswith("…") else name
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    if option.is_flag:
        return names
    kind = option.metavar or _kind(option.type_descriptor.annotation)
    return f"{names} {kind}".replace("|", "\\|")


def _kind(annotation: Any) -> str:
    """Return the choices of a Literal, else what a value of a type is called."""
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    return "NUMBER" if annotation in (int, float) else "PATH" if annotation is Path else "TEXT"


def _cell(parameter: Any) -> str:
    default = parameter.default
    shown = (
        f" Default: {default}." if isinstance(default, int | float | str) and default not in (False, "", True) else ""
    )
    return (_text(getattr(parameter, "help", None) or "").replace("\n", " ") + shown).replace("|", "\\|")


def _text(text: str) -> str:
    """Return a help as paragraphs of one line each, without the marks that only a terminal shows."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\b", "").replace("\f", ""))
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


if __name__ == "__main__":
    write(pages(), FOLDER)
