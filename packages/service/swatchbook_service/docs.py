"""Serve the page `/docs`: Swagger UI from this package.

The files in `swagger_ui/` are those of the npm package swagger-ui-dist 5.35.0, unchanged, with its licence
(Apache-2.0). Nothing is loaded from another host, and the page has no inline script or style, so that the
Content-Security-Policy can forbid both.
"""

from importlib.resources import files
from typing import Literal

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

PATH = "/docs"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of the page. `data:` is for the icons in its style sheet."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Swatchbook: API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_CACHED = {"Cache-Control": "max-age=3600"}  # seconds

router = APIRouter(prefix=PATH, include_in_schema=False)
root_router = APIRouter(include_in_schema=False)


@router.get("")
def show_page() -> HTMLResponse:
    """Return the page; its links are relative, so that it also works below a proxy's path."""
    return HTMLResponse(_PAGE)


@root_router.get("/")
def redirect_to_docs() -> Response:
    """Redirect to the documentation, unless a package such as `swatchbook-web` serves a page at this address."""
    return RedirectResponse(PATH[1:])


@router.get("/start.js")
def get_start() -> Response:
    """Return the script that starts Swagger UI."""
    return Response(_START, media_type=_MEDIA_TYPES[".js"], headers=_CACHED)


@router.get("/{name}")
def get_file(name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"]) -> Response:
    """Return one of Swagger UI's files."""
    file = files("swatchbook_service") / "swagger_ui" / name
    suffix = name[name.rindex(".") :]
    return Response(file.read_bytes(), media_type=_MEDIA_TYPES[suffix], headers=_CACHED)
