"""`swatchbook mcp`: the command and its options."""

from typing import Annotated

import typer

from swatchbook.doors.cli.shared_arguments import (
    OwnerName,
    check_owner,
    choose_one_owner,
    login_name,
    read_settings,
)
from swatchbook.doors.cli.terminal import out

app = typer.Typer()


@app.command(rich_help_panel="Everyday")
def mcp(
    http: Annotated[
        str | None,
        typer.Option("--http", metavar="HOST:PORT", help="Serve over HTTP, at /mcp, with SWATCHBOOK_API_KEYS."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Also let it ingest, teach and retry, and run the background loop.")
    ] = False,
    owner: OwnerName = None,
) -> None:
    """Run an MCP server for assistants: they search the collection, see pages and products, and what is missing.

    Without --http it speaks over stdin and stdout: the assistant starts it. Nothing is changed without --write.
    """
    from swatchbook.domain.extras import require_extra

    require_extra("mcp", "`swatchbook mcp`")
    if http is None:
        _serve_stdio(owner, write=write)
        return
    if owner is not None:
        raise typer.BadParameter("over HTTP the key says whose documents are seen", param_hint="--owner")
    _serve_http(http, write=write)


def _serve_stdio(owner: str | None, *, write: bool) -> None:
    import asyncio
    import signal

    from swatchbook.domain.records import DEFAULT_OWNER
    from swatchbook.resources import open_resources
    from swatchbook_assistants.server import Starter, serve_stdio

    settings = read_settings(begins=write)  # with it, it may be another person, and the first ingest
    check_owner(owner)
    if not write:
        with open_resources(settings) as resources:
            choose_one_owner(resources.ledger, owner)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread that waits for stdin would outlast the rest
    caller = Starter(name=login_name(), owners=frozenset({owner or DEFAULT_OWNER}))
    asyncio.run(serve_stdio(settings, caller, write=write))


def _serve_http(address: str, *, write: bool) -> None:
    from swatchbook.doors.cli.log import show
    from swatchbook_assistants.server import PATH, create_mcp_app
    from swatchbook_service.serve import run

    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 1 << 16):
        raise typer.BadParameter("give host and port, such as 127.0.0.1:8421", param_hint="--http")
    settings = read_settings(begins=write).model_copy(update={"host": host.strip("[]"), "port": int(port)})

    def begun(url: str) -> None:
        out().print(f"Swatchbook for assistants at {url}{PATH}", soft_wrap=True)
        show()

    run(create_mcp_app(settings, write=write), settings, begun)
