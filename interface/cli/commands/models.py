"""`swatchbook models pull`: the command."""

import typer

from interface.cli.shared_arguments import Json, read_settings

app = typer.Typer(no_args_is_help=True, help="Manage model weights.")


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
