"""Placements whose picture cannot be decoded have their own state: `unreadable` instead of `shown`."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute(
        "UPDATE placements SET state = 'unreadable', reason = 'The picture could not be read.' "
        "WHERE state = 'shown' AND kind <> 'file' AND image IN (SELECT images.id FROM images "
        "JOIN contents ON contents.key = images.content_key WHERE contents.file IS NULL)"
    )
