"""The page of the account: how much is searchable, by owner and role; what failed, why, and when it is tried again; and
what is being worked on.
"""

from fastapi import Response

from interface.web.pages import TheView, page_router
from swatchbook.ledger.documents import list_documents
from swatchbook.ledger.queries.account import account
from swatchbook.ledger.queries.owners import owner_accounts
from swatchbook.ledger.queries.reviews import count_images_to_review
from swatchbook.ledger.queries.statistics import count_statistics
from swatchbook.ledger.runs import live_runs
from swatchbook.records import DocumentStatus
from swatchbook.reports.stale import stale_roles

_NEED_SOMETHING = (DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.WAITING)
_LISTED = 50
"""Documents that are listed of each status."""

router = page_router()


@router.get("/ui/coverage")
def show_coverage(view: TheView) -> Response:
    """Return the account of the owner, or of all owners."""
    ledger, owner = view.resources.ledger, view.owner
    return view.render(
        "coverage.html",
        account=account(ledger, owner=owner),
        counts=count_statistics(ledger, owner),
        owners=[each for each in owner_accounts(ledger) if owner is None and view.caller.may(each.owner)],
        stale=stale_roles(ledger, view.resources.settings, owner),
        to_review=count_images_to_review(ledger, owner=owner),
        runs=[run for run in live_runs(ledger) if view.caller.may(run.owner) and owner in (None, run.owner)],
        documents=[
            document
            for status in _NEED_SOMETHING
            for document in list_documents(ledger, owner=owner, status=status, limit=_LISTED)
        ],
    )
