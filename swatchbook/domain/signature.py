"""Sign webhooks, and verify their signatures, as in Standard Webhooks (standardwebhooks.com): HMAC-SHA256 of
`id.timestamp.body`, with a timestamp within five minutes. For the webhooks that arrive and the notices that are sent.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def signed_headers(secret: str, delivery: str, body: str) -> dict[str, str]:
    """Return the headers `webhook-id`, `webhook-timestamp` (now) and `webhook-signature` for a body.

    `secret`: whsec_ and base64.
    """
    now = datetime.now(UTC)
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery, now, body),
    }


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the headers sign the body by HMAC-SHA256 with the secret, with a timestamp within five minutes."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a malformed header
        return False
    return True
