"""The MCP server of `swatchbook mcp`, by which assistants use the collection: over stdio, or over HTTP at `/mcp`.

Over HTTP the keys are the service's, checked for each request; nothing is kept between requests. Over stdio the client
is the person who started it, and sees one owner. Errors are answered as results that say so, in the words of the
service's problems. With `write` the background loop runs too, since nothing else may start what is taken in.
"""

import asyncio
import base64
import inspect
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast

import anyio.to_thread
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from mcp import types as mcp
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.types import Receive, Scope, Send

from swatchbook.deployments.tick import keep_ticking
from swatchbook.domain.did_you_mean import did_you_mean
from swatchbook.domain.extras import installed_version
from swatchbook.domain.settings import Settings
from swatchbook.doors.prefect_server import prefect_environment
from swatchbook.resources import LAG_SECONDS, Resources
from swatchbook_assistants.tools import TOOLS, Desk, Illustrated, Tool
from swatchbook_base.one_line import shorten
from swatchbook_service import problems
from swatchbook_service.app import run_loop
from swatchbook_service.auth import Caller, TheCaller, check_exposure
from swatchbook_service.images import PreviewSlots
from swatchbook_service.metrics import Requests
from swatchbook_service.middleware import ServiceMiddleware, streams_body
from swatchbook_service.search import AT_ONCE
from swatchbook_service.uploads import UploadSlots

PATH: Final = "/mcp"
MOST_LETTERS: Final = 600
"""Of a text in an answer; longer ones are cut."""

MOST_CHARACTERS: Final = 100_000
"""Of an answer as JSON: more is refused, since it would fill an assistant's memory."""

_JPEG = "image/jpeg"

_INSTRUCTIONS = """Swatchbook is a searchable collection of product catalogues, pictures and items. `search` finds \
pictures, products (by=product) and texts (by=chunk); `facets` lists what to filter by; `show_pictures` and \
`show_pages` show what was found; `account` lists documents and says what is not embedded and why. Say only what the \
answers say, and name document and page."""


class Starter(Caller):
    """The person who has started a server over stdio: sees one owner, and has no key."""

    def require(self, owner: str) -> None:
        """Raise 403 for an owner that the server was not started for."""
        if not self.may(owner):
            mine = ", ".join(sorted(self.owners))
            raise HTTPException(
                403, f"This server shows the documents of {mine} only; one for {owner} is started with --owner {owner}."
            )


Context = ServerRequestContext[Any, Any]


def create_server(desk: Desk, caller_of: Callable[[Context], Caller], wake: asyncio.Event, *, write: bool) -> Server:
    """Return the server with its tools; `wake` is set when there may be work for the background loop.

    `caller_of`: who sends a request. Without `write` there are only tools that change nothing.
    """
    offered = {name: tool for name, tool in TOOLS.items() if write or not tool.writes}
    threads = anyio.CapacityLimiter(AT_ONCE)

    async def list_tools(_: Context, __: mcp.PaginatedRequestParams | None) -> mcp.ListToolsResult:
        return mcp.ListToolsResult(tools=[_declared(name, tool, desk) for name, tool in offered.items()])

    async def call_tool(context: Context, asked: mcp.CallToolRequestParams) -> mcp.CallToolResult:
        tool = offered.get(asked.name)
        if tool is None:
            return _refused(f"There is no tool {shorten(asked.name, 50)!r}. Tools: {', '.join(offered)}.")
        try:
            return _answered(await call(tool, desk, caller_of(context), asked.arguments or {}, threads))
        except Exception as error:  # noqa: BLE001 — isolates calls: what is unexpected is logged
            return _refused(in_words(error))
        finally:
            if tool.writes:
                wake.set()

    return Server(
        "swatchbook",
        version=installed_version(),
        title="Swatchbook",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


# --- one call ---------------------------------------------------------------------------------------------------------


async def call(
    tool: Tool, desk: Desk, caller: Caller, arguments: dict[str, Any], threads: anyio.CapacityLimiter | None = None
) -> Any:
    """Return what a tool answers. Raises RequestValidationError for wrong arguments, and what the tool raises."""
    try:
        asked = tool.takes.model_validate(arguments)
    except ValidationError as error:
        known = _schema(tool, desk)["properties"]
        raise RequestValidationError([_near(each, known) for each in error.errors()]) from error
    if inspect.iscoroutinefunction(tool.run):
        return await tool.run(desk, caller, asked)
    return await anyio.to_thread.run_sync(tool.run, desk, caller, asked, limiter=threads)


def _near(error: ErrorDetails, known: Collection[str]) -> ErrorDetails:
    """Return an error; that of an unknown argument names the nearest one, and all that the tool takes."""
    if error["type"] != "extra_forbidden" or len(error["loc"]) > 1:
        return error
    near = did_you_mean(str(error["loc"][0]), known)
    message = f"there is no such argument.{near} There are {', '.join(known)}"
    return {**error, "type": "unknown", "msg": message}


def in_words(error: Exception) -> str:
    """Return an error as sentences for people; an unexpected one is logged."""
    problem = problems.problem_of(error)
    parts = [(problem.detail or problem.title).rstrip(".") + ".", problem.advice or ""]
    parts += [f"The log has it under {problem.id}."] if problem.id else []
    return " ".join(filter(None, parts))


def _answered(made: Any) -> mcp.CallToolResult:
    """Return an answer as a result: as structured content, as its text, and its pictures."""
    answer, pictures = made if isinstance(made, Illustrated) else (made, ())
    content = _cut(answer.model_dump(mode="json"))
    text = json.dumps(content, ensure_ascii=False)
    if len(text) > MOST_CHARACTERS:
        return _refused(f"The answer has {len(text):,} characters, which is too long: ask for fewer results.")
    shown = [mcp.ImageContent(data=base64.b64encode(each).decode(), mime_type=_JPEG) for each in pictures]
    return mcp.CallToolResult(content=[mcp.TextContent(text=text), *shown], structured_content=content)


def _cut(value: Any) -> Any:
    """Return a JSON value with its long texts cut."""
    if isinstance(value, dict):
        return {name: _cut(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_cut, value))
    return shorten(value, MOST_LETTERS) if isinstance(value, str) and len(value) > MOST_LETTERS else value


def _refused(message: str) -> mcp.CallToolResult:
    return mcp.CallToolResult(content=[mcp.TextContent(text=message)], is_error=True)


def _schema(tool: Tool, desk: Desk) -> dict[str, Any]:
    """Return the schema of what a tool takes, without what means nothing to this server's clients.

    Over stdio there is one owner; over HTTP there are no files that both know.
    """
    schema = tool.takes.model_json_schema()
    unused = {"owner"} if desk.local else {"path", "picture_path"}
    return {**schema, "properties": {n: each for n, each in schema["properties"].items() if n not in unused}}


def _declared(name: str, tool: Tool, desk: Desk) -> mcp.Tool:
    return mcp.Tool(
        name=name,
        description=inspect.getdoc(tool.run),
        input_schema=_schema(tool, desk),
        output_schema=tool.answers.model_json_schema(mode="serialization"),
        annotations=mcp.ToolAnnotations(
            read_only_hint=not tool.writes, destructive_hint=False, open_world_hint=name == "ingest"
        ),
    )


# --- the two ways to reach it -----------------------------------------------------------------------------------------


def open_desk(settings: Settings, *, local: bool) -> Desk:
    """Return what the tools share, with the resources of the settings."""
    return Desk(Resources(settings, lag=LAG_SECONDS), UploadSlots(settings), PreviewSlots(), local)


async def serve_stdio(settings: Settings, caller: Caller, *, write: bool) -> None:
    """Serve one client over stdin and stdout until it closes them. Raises what opening the ledger raises."""
    desk, wake = open_desk(settings, local=True), asyncio.Event()
    try:
        assert desk.resources.ledger  # noqa: S101 — a ledger that cannot be opened is named before anything is answered
        server = create_server(desk, lambda _: caller, wake, write=write)
        async with _working(desk.resources, wake, write=write), stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    finally:
        desk.resources.close()


def create_mcp_app(settings: Settings, *, write: bool) -> FastAPI:
    """Return the application with the endpoint `/mcp`. Raises Configuration as the service does."""
    check_exposure(settings)
    desk, wake = open_desk(settings, local=False), asyncio.Event()
    server = create_server(desk, _authenticated, wake, write=write)
    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=(settings.max_image_mb * 3 // 2) << 20
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            async with _working(desk.resources, wake, write=write), manager.run():
                yield
        finally:
            await asyncio.to_thread(desk.resources.close)

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.resources = desk.resources
    app.add_middleware(ServiceMiddleware, requests=Requests(), wake=wake)
    problems.install(app)
    app.include_router(_router(manager.handle_request))
    return app


def _authenticated(context: Context) -> Caller:
    caller: Caller = cast(Request, context.request).state.caller
    return caller


def _router(handle: Callable[[Scope, Receive, Send], Awaitable[None]]) -> APIRouter:
    class Handed(Response):
        """Hands the request over to the protocol, which reads it and answers."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await handle(scope, receive, send)

    @streams_body
    async def take(request: Request, caller: TheCaller) -> Response:
        request.state.caller = caller
        return Handed()

    router = APIRouter()  # GET would open a stream on which nothing ever comes, since nothing is kept
    router.add_api_route(PATH, take, methods=["POST"], response_class=Response)
    return router


@asynccontextmanager
async def _working(resources: Resources, wake: asyncio.Event, *, write: bool) -> AsyncIterator[None]:
    """Run the background loop in the block, if something may be taken in."""
    if not write:
        yield
        return
    os.environ.update(prefect_environment(resources.settings, os.environ))
    loop = asyncio.create_task(run_loop(keep_ticking, resources, wake))
    try:
        yield
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
