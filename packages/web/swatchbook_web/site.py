"""The router of all pages, which the service finds by its entry point."""

from fastapi import FastAPI

from swatchbook_service.auth import OwnKeys
from swatchbook_web import collection, documents, images, pages, products, search, uploads


class Site(OwnKeys):
    """The pages: each asks for a key or a session itself, but for the login and the files that all pages load."""

    def prepare(self, app: FastAPI) -> None:
        """Let a service remember what its pages need, and answer unknown addresses with a page."""
        app.state.pages = pages.Remembered()
        app.add_exception_handler(404, pages.answer_unknown_address)


router = Site()
for part in (
    products.router, pages.router, search.router, documents.router, uploads.router, uploads.sending_router,
    images.router, collection.router,
):  # fmt: skip
    router.include_router(part)
