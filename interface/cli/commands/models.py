"""`swatchbook models`: list what can be chosen by name; download weights."""

import typer

from interface.cli.shared_arguments import Json, read_settings

app = typer.Typer(invoke_without_command=True, help="List models, indexes and formats, and download weights.")


@app.callback()
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the models, indexes and export formats that are built in or come from plugins: which are active, which lack
    something, their licences and sizes, and the roles that they make, with the lengths of the vectors.
    """
    if context.invoked_subcommand is not None:
        return
    from interface.cli.models import draw_choices
    from interface.cli.terminal import out, say_json
    from swatchbook.choices import choices

    listed = choices(read_settings())
    say_json(listed) if as_json else out().print(draw_choices(listed))


@app.command("pull")
def pull_models(as_json: Json = False) -> None:
    """Download the weights of the models in the settings from the Hugging Face Hub, at their pinned revision."""
    from interface.cli.models import draw, pull_chosen
    from interface.cli.terminal import note, out, say_json

    pulled = pull_chosen(read_settings())
    if as_json:
        say_json(pulled)
    elif pulled:
        out().print(draw(pulled))
    for each in pulled:
        if each.pin:
            note(f"To pin this revision, set {each.pin}")
