"""The common part of all pages: templates, errors as pages, the owner of the collection, and security headers; and the
login with an API key.

Templates escape every value. The Content-Security-Policy allows only the files of this service, and nothing inline.
A toast says on the next page what a form has done, with a button that undoes it: the address of that page names both
(`done`), so nothing is stored.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Match
from starlette.types import Scope

from swatchbook.domain.errors import Failure
from swatchbook.domain.plugins import Kind, installed
from swatchbook.domain.records import Facets, Owner, Stage, page_name
from swatchbook.doors.cli.terminal import duration, megabytes
from swatchbook.doors.replies import Problem
from swatchbook.resources import Resources
from swatchbook_base.printed_prices import with_currency
from swatchbook_base.truncate import plural
from swatchbook_service.addresses import split_address
from swatchbook_service.auth import (
    EVERYBODY,
    Caller,
    TheCaller,
    choose_known,
    find_key,
    recent_owners,
    reject_foreign_change,
)
from swatchbook_service.health import Recent
from swatchbook_service.parameters import RequestModel, SearchText, Tools
from swatchbook_service.problems import describe, respond
from swatchbook_service.sessions import SESSION_COOKIE, SESSION_SECONDS, begin_session, end_session
from swatchbook_web.login_limits import LoginLimits

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page. `data:` is the picture that a person searches with."""

HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
"""Without a referrer policy that names our own pages, browsers would send forms with the origin `null`."""

LOGIN = "/ui/login"

_TITLES: Mapping[int, str] = {
    HTTPStatus.FORBIDDEN: "You may not see or change this",
    HTTPStatus.NOT_FOUND: "There is nothing at this address",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something in the address or form is not right",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not ready yet",
}
"""HTTP status -> heading of its error page, where the standard's own words are not plain. Failures have their own."""

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_CACHED = {"Cache-Control": "max-age=3600"}  # seconds


class PageRoute(APIRoute):
    """A route whose errors are pages, too. Who has not logged in gets the form for that."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, with its errors as pages."""
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except (HTTPException, RequestValidationError, Failure) as error:
                return _error_page(request, error)

        return handle_as_page


class NegotiatedRoute(PageRoute):
    """A page at the address of an endpoint: only who asks for HTML, as browsers do, gets it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return how a request matches; one that does not ask for HTML is left to the endpoint."""
        return super().matches(scope) if asks_for_page(Headers(scope=scope)) else (Match.NONE, {})


def asks_for_page(headers: Headers) -> bool:
    """Return whether a request is that of a browser for a page, or of a script for a part of one."""
    return "text/html" in headers.get("accept", "") or "hx-request" in headers


def page_router() -> APIRouter:
    """Return a router for pages. They are not in the description of the API."""
    return APIRouter(include_in_schema=False, route_class=PageRoute, default_response_class=HTMLResponse)


class Remembered:
    """What the pages of a service remember while it runs."""

    def __init__(self) -> None:
        self.login_limits = LoginLimits()
        self.looks: dict[str | None, Recent[str]] = {}
        """Owner -> the look at the list of documents that all open pages share."""
        self.facets: dict[str, Recent[Facets]] = {}
        """Address of a search -> the counts of what it finds."""


def remembered(request: Request) -> Remembered:
    """Return what the pages of this service remember."""
    state: Remembered = request.app.state.pages
    return state


class View(NamedTuple):
    """Who looks at a page, and at whose collection: `owner` None is that of all owners. `owners`: those to choose."""

    request: Request
    resources: Resources
    caller: Caller
    owner: str | None
    owners: tuple[str, ...]

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page."""
        return render(template, status=status, view=self, **values)

    def link(self, path: str, **query: Any) -> str:
        """Return the address of a page for the same owner. Parameters that are None or empty are left out."""
        return with_query(path, {"owner": self.owner, **query})


def get_view(request: Request, resources: Tools, caller: TheCaller, owner: Owner | Literal[""] | None = None) -> View:
    """Return who asks, and for whose collection. A key for several owners begins with the first of them."""
    owners = tuple(recent_owners(resources) if caller.sees_all else sorted(caller.owners - {EVERYBODY}))
    if not owner:
        owner = None if caller.sees_all else owners[0]
    return View(request, resources, caller, choose_known(resources, caller, owner), owners)


TheView = Annotated[View, Depends(get_view)]


def render(template: str, *, status: int = 200, view: View | None = None, **values: Any) -> HTMLResponse:
    """Return a page as a response; `view` is None where nobody has logged in."""
    return HTMLResponse(_templates().get_template(template).render(view=view, **values), status, HEADERS)


def see_other(address: str) -> Response:
    """Return a redirect to a page of ours, after a form."""
    return RedirectResponse(address, 303, HEADERS)


def with_query(path: str, query: dict[str, Any]) -> str:
    """Return an address with these parameters, without those that are None or empty."""
    given = {name: value for name, value in query.items() if value not in (None, "", (), [])}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


@cache
def _templates() -> Environment:
    """Return the templates. A name that a template uses and a page does not give is an error."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(folder) for folder in _folders("templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["toast_of"] = toast_of
    environment.filters |= {
        "size": megabytes, "time": format_time, "duration": duration, "plural": plural, "stage": format_stage,
        "page_name": page_name, "with_currency": with_currency,
    }  # fmt: skip
    return environment


def _folders(name: Literal["static", "templates"]) -> list[str]:
    """Return the Python packages with a folder of this name: ours, and those of routers of other packages."""
    packaged = {plugin.module.rpartition(".")[0] for plugin in installed(Kind.ROUTER)} - {"", __package__}
    return [__package__, *(each for each in sorted(packaged) if (files(each) / name).is_dir())]


def format_time(seconds: float) -> str:
    """Return a time (Unix seconds) as ISO 8601 in UTC, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def format_stage(stage: Stage) -> str:
    """Return the last stage that a document or run has reached, for people."""
    return stage.value.replace("_", " ").lower()


async def answer_unknown_address(request: Request, error: Exception) -> Response:
    """Answer an address that does not exist with a page, if a browser asks for it; else with a problem."""
    is_page = asks_for_page(request.headers) and "endpoint" not in request.scope
    return _error_page(request, error) if is_page else respond(*describe(error))


def _error_page(request: Request, error: Exception) -> Response:
    """Return an error as a page; to who has not logged in, the form for that."""
    problem, headers = _describe_for_people(error)
    if problem.status == 401:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        page = render("login.html", status=401, next=asked if request.method == "GET" else "/", wrong=False)
        page.headers["HX-Refresh"] = "true"  # a part of a page cannot be a login: the whole page is asked for again
    else:
        page = render("error.html", status=problem.status, problem=problem)
    page.headers.update(headers or {})
    return page


def _describe_for_people(error: Exception) -> tuple[Problem, Mapping[str, str] | None]:
    """Return an error with a plain title, and the headers of its response. An address that cannot be one is not found.

    A wrong parameter is shown by its own name, without the part of the request that it is in.
    """
    problem, headers = describe(error)
    if isinstance(error, RequestValidationError):
        if any(each["loc"][0] == "path" for each in error.errors()):
            problem = Problem(title="", status=404, detail="It is not complete, or was typed wrongly.")
        else:
            said = "; ".join(f"{each.where.partition('.')[2]}: {each.what}" for each in (problem.errors or ())[:3])
            problem = problem.model_copy(update={"detail": said})
    elif problem.detail == HTTPStatus(problem.status).phrase:
        problem = problem.model_copy(update={"detail": "Go on from one of these pages:"})
    if problem.kind is None:
        problem = problem.model_copy(update={"title": _TITLES.get(problem.status, problem.title)})
    return problem, headers


router = page_router()


def get_file(name: str) -> Response:
    """Return one of the files that the pages load."""
    if (file := _static_files().get(name)) is None:
        raise HTTPException(404)
    return Response(file.read_bytes(), media_type=_MEDIA_TYPES[name[name.rindex(".") :]], headers=_CACHED)


@cache
def _static_files() -> Mapping[str, Traversable]:
    """Return the files that the pages load, ours and those of installed packages, by their names."""
    there = [file for folder in _folders("static") for file in (files(folder) / "static").iterdir()]
    return {file.name: file for file in reversed(there) if file.name.endswith(tuple(_MEDIA_TYPES))}


router.add_api_route("/ui/static/{name}", get_file, methods=["GET"], route_class_override=APIRoute)


# --- toasts -----------------------------------------------------------------------------------------------------------

DONE = "done"
"""Parameter of a page's address: what was done, and of which document or image, and which edit of it."""

_DONE = re.compile(
    r"(?P<what>[a-z_]+)(?::(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?(?::(?P<number>\d{1,9}))?"
)
_EDIT, _REVIEW = "/ui/documents/{id}/edits/{number}/undo", "/ui/review/{id}/undo"
_DELETED, _TAUGHT = "/ui/trash/{id}/restore", "/ui/documents/{id}/teach/undo"
_KINDS: Mapping[str, tuple[str, str | None]] = {
    "rename": ("Renamed", _EDIT),
    "merge": ("Merged", _EDIT),
    "split": ("Split", _EDIT),
    "hide": ("Product hidden", _EDIT),
    "set_fact": ("Changed", _EDIT),
    "reviewed": ("Review saved", _REVIEW),
    "deleted": ("Deleted. It stays in the trash for a day", _DELETED),
    "taught": ("Accepted. Its pages are read again", _TAUGHT),
    "untaught": ("Undone. Its pages are read again", None),
    "ended": ("Deleted for good", None),
    "restored": ("Restored", None),
    "undone": ("Undone", None),
    "started": ("Stored. It will be processed", None),
    "cancelled": ("Removed what was sent", None),
}
"""What was done (an edit by its action) -> its text, and the address of the form that undoes it."""


class Back(RequestModel):
    """The page of ours that a form returns to."""

    back: SearchText | None = None


class Toast(NamedTuple):
    """A message about what was done; `undo`: the address of a form that undoes it; `back`: the page it returns to."""

    text: str
    undo: str | None
    back: str


def done(what: str, id: str | None = None, number: int | None = None) -> str:
    """Return the value of the parameter `done` of an address."""
    return ":".join(str(part) for part in (what, id, number) if part is not None)


def toast_of(request: Request) -> Toast | None:
    """Return what the address of a page says has been done, None for nothing or anything else."""
    match = _DONE.fullmatch(request.query_params.get(DONE, ""))
    if match is None or match["what"] not in _KINDS:
        return None
    text, undo = _KINDS[match["what"]]
    wanted = [name for name in ("id", "number") if undo and f"{{{name}}}" in undo]
    if any(match[name] is None for name in wanted):
        return None
    query = [(name, each) for name, each in request.query_params.multi_items() if name != DONE]
    back = f"{request.url.path}?{urlencode(query)}" if query else request.url.path
    return Toast(text, undo and undo.format(id=match["id"], number=match["number"]), back)


def local_page(address: str | None, otherwise: str) -> str:
    """Return an address if it is a page of ours, else the other one: no link may lead through here elsewhere."""
    if not address or not address.startswith("/") or address.startswith("//") or "\\" in address:
        return otherwise
    return address if address.isprintable() else otherwise


def with_done(address: str, value: str) -> str:
    """Return the address of a page of ours that says what was done."""
    if (parts := split_address(address)) is None:
        return address
    query = [(name, each) for name, each in parse_qsl(parts.query) if name != DONE]
    return parts._replace(query=urlencode([*query, (DONE, value)])).geturl()


# --- the login --------------------------------------------------------------------------------------------------------

_NEXT = "/"


@router.get(LOGIN)
def show_login(resources: Tools, next: str = _NEXT) -> Response:
    """Return the form, or the search page if no key is needed."""
    if not resources.settings.api_keys:
        return see_other(_NEXT)
    return render("login.html", next=_own_page(next), wrong=False)


@router.post(LOGIN)
def log_in(
    request: Request,
    resources: Tools,
    key: Annotated[str, Form(max_length=1_000)],
    next: Annotated[str, Form(max_length=4_000)] = _NEXT,
) -> Response:
    """Begin a session, and go to the page that was asked for. Raises 429 after many wrong keys."""
    reject_foreign_change(request)
    limits = remembered(request).login_limits
    address, key = request.client.host if request.client else "", key.strip()
    found = find_key(resources.settings.api_keys, key)
    if found is None:  # a right key is never refused: behind a proxy, all may share the address of who guesses
        limits.require(address, key)
        limits.count(address, key)
        return render("login.html", status=403, next=_own_page(next), wrong=True)
    response = see_other(_own_page(next))
    over_tls = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
    response.set_cookie(
        SESSION_COOKIE, begin_session(found), max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=over_tls
    )
    return response


@router.post("/ui/logout")
def log_out(request: Request, resources: Tools) -> Response:
    """End the session of this browser. Its cookie is worth nothing any more, whoever has kept it."""
    reject_foreign_change(request)
    settings = resources.settings
    end_session(settings.api_keys, request.cookies.get(SESSION_COOKIE, ""), settings.ended_sessions_folder)
    response = see_other(LOGIN)
    response.delete_cookie(SESSION_COOKIE)
    return response


def _own_page(address: str) -> str:
    """Return the page to go to after the login. Raises 422 for what is no address at all."""
    if split_address(address) is None:
        raise HTTPException(422, "`next` is no address of a page.")
    return local_page(address, _NEXT)
