"""Send the owed notices to SWATCHBOOK_NOTICE_URL as signed JSON.

- The receiver has 10 s to answer, and the body is not read. Redirects are not followed; only a 2xx status is a success.
- A round sends at most 100 notices, the oldest first, and stops at the first that fails.
- `store/ledger/webhooks.py` has the rules which notices are owed, tried again or given up.

The URL is a setting of the operator, who may name a receiver in the own network: unlike the URLs that senders of
webhooks name, it may lead to a private address (`domain/public_addresses.py`). Nothing of an answer but its status is
shown to anyone.
"""

import asyncio
import json
import logging
from typing import Any

import httpx

from swatchbook.domain.errors import Configuration, InvalidReference
from swatchbook.domain.public_addresses import check_operators_url
from swatchbook.domain.records import ImageState, RunReport
from swatchbook.domain.settings import Settings
from swatchbook.domain.signature import signed_headers
from swatchbook.resources import Resources
from swatchbook.store.ledger import webhooks
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.webhooks import Notice

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
"""Seconds in all, from connecting to the headers of the answer."""

_AT_ONCE = 100


async def send_notices(resources: Resources) -> int:
    """Send the notices that are due, and return how many were delivered. Raises LedgerDown.

    Several processes may do so at once. A process that is killed meanwhile leaves its notice owed.
    """
    settings = resources.settings
    if settings.notice_url is None or settings.notice_secret is None:
        return 0
    url, secret = settings.notice_url.get_secret_value(), settings.notice_secret.get_secret_value()
    sent = 0
    while sent < _AT_ONCE:
        notice = await asyncio.to_thread(webhooks.claim_notice, resources.ledger)
        if notice is None:
            break
        try:
            report = await asyncio.to_thread(document_report, resources.ledger, notice.document)
        except InvalidReference:  # it was deleted meanwhile, and its notices with it
            continue
        body = json.dumps(message(notice, report), ensure_ascii=False)
        problem = await _post(settings, url, signed_headers(secret, notice.id, body), body.encode())
        if problem is not None:
            log.warning("a notice was not delivered", extra={"notice": notice.id, "problem": problem})
            await asyncio.to_thread(webhooks.record_failed, resources.ledger, notice.id, problem)
            break
        await asyncio.to_thread(webhooks.record_sent, resources.ledger, notice.id)
        sent += 1
    return sent


def message(notice: Notice, report: RunReport) -> dict[str, Any]:
    """Return the JSON of a notice: the status as it was then, the counts as they are now."""
    images = {state.value: getattr(report, f"images_{state.value}") for state in ImageState}
    return {
        "id": notice.id,
        "event": f"document.{notice.status}",
        "time": notice.at,
        "document": {
            "id": notice.document,
            "name": report.name,
            "owner": report.owner,
            "status": notice.status,
        },
        "counts": {
            "products": report.products_discovered,
            "chunks": report.chunks_created,
            "images": {"found": report.images_found, **images},
        },
        "failure": {"kind": notice.failure_kind, "message": notice.message} if notice.message else None,
    }


async def _post(settings: Settings, url: str, headers: dict[str, str], body: bytes) -> str | None:
    """Post a notice. Return why it was not delivered, None if it was."""
    headers |= {"Content-Type": "application/json", "User-Agent": "swatchbook"}
    try:
        await asyncio.to_thread(check_operators_url, url, "SWATCHBOOK_NOTICE_URL", settings.fetch_private_hosts)
        async with (
            asyncio.timeout(ANSWER_SECONDS),  # for the whole: a receiver could send a byte now and then for ever
            httpx.AsyncClient(timeout=ANSWER_SECONDS) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            status = answer.status_code
    except Configuration as failure:
        return str(failure)
    except (TimeoutError, httpx.TimeoutException):
        return f"The receiver did not answer within {ANSWER_SECONDS:.0f} s."
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return "The receiver cannot be reached, or closed the connection."
    return None if 200 <= status < 300 else f"The receiver answered {status}."
