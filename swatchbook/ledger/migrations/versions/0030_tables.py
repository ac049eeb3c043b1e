"""The tables as of 0.1.0. `tables.py` moves on, this stays."""

from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

revision = "0030"  # of development before 0.1.0: its ledgers need no migration
down_revision = None

tables = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(36)
Key = String(64)
Token = String(26)
Size = Integer().with_variant(BigInteger(), "postgresql")


def upgrade() -> None:
    """Create every table of an empty ledger."""
    tables.create_all(op.get_bind(), checkfirst=False)


def _document(*, primary_key: bool = False) -> Column[str]:
    return Column("document", Id, ForeignKey("documents.id"), nullable=False, primary_key=primary_key)


def _publishing(table: str) -> Iterator[Column[Any] | Index]:
    yield Column("dirty", Integer, nullable=False)
    yield Column("made", Integer, nullable=False, server_default="0")
    yield Column("published", Integer, nullable=False, server_default="0")
    yield Column("gone", Boolean, nullable=False, server_default=text("false"))
    yield Column("publish_lease", Text)
    yield Column("publish_until", Double)
    yield Column("publish_tries", Integer, nullable=False, server_default="0")
    yield Column("publish_failure", JSON)
    yield Column("publish_next", Double)
    yield _partial_index(f"ix_{table}_unpublished", "publish_next", where="dirty > published OR gone")


def _partial_index(name: str, column: str, *, where: str) -> Index:
    return Index(name, column, sqlite_where=text(where), postgresql_where=text(where))


Table(
    "documents",
    tables,
    Column("id", Id, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("file", Text),
    Column("size", Size, nullable=False),
    Column("status", String(16), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("message", Text),
    Column("failure_kind", String(32)),
    Column("options", JSON, nullable=False),
    Column("generation", Token),
    Column("fingerprint", Key),
    Column("force", Token),
    Column("run", Token),
    Column("due_at", Double),
    Column("deaths", Integer, nullable=False, server_default="0"),
    Column("page_count", Integer),
    Column("pages_file", Text),
    Column("report", JSON),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("launches", Integer, nullable=False, server_default="0"),
    Column("blocks", JSON, nullable=False, server_default=text("'{}'")),
    Column("commanded_at", Double),
    Column("edition_of", Id),
    Column("superseded_by", Id),
    Index(None, "owner", "created_at", "id"),
    Index(None, "status", "due_at"),
    Index(None, "file"),
    Index(None, "pages_file"),
    _partial_index("ix_documents_superseded", "owner", where="superseded_by IS NOT NULL"),
)
Table(
    "runs",
    tables,
    Column("token", Token, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid_namespace", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", Double, nullable=False),
    Column("prefect_run", Text),
    Column("started_at", Double, nullable=False),
    Column("heartbeat_at", Double, nullable=False),
    Column("progress_at", Double, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("ended_at", Double),
    Column("failure_kind", String(32)),
    Column("stage", String(32)),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("note", Text),
    Index(None, "state", "document"),
)
Table(
    "requested",
    tables,
    _document(primary_key=True),
    Column("generation", Token, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("beside", Boolean, nullable=False, server_default=text("false")),
    Index(None, "role", "tag"),
)
Table(
    "pages",
    tables,
    _document(primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("generation", Token, nullable=False),
    Column("box", JSON, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reason", Text),
    Column("failure_kind", String(32)),
    Column("pictures", JSON),
    Column("label", Text),
    Column("unassigned", JSON),
    Column("rejected", JSON),
    Column("unsure", Boolean, nullable=False, server_default=text("false")),
    Column("shows", String(32)),
    Column("seen", Text),
)
Table(
    "images",
    tables,
    Column("id", Id, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("content_key", Key, nullable=False),
    Column("text_key", Key),
    Column("width", Integer),
    Column("height", Integer),
    Column("quality", Double),
    Column("needs_review", Boolean, nullable=False, server_default=text("false")),
    *_publishing("images"),
    Column("pair_key", Key),
    Index(None, "owner", "content_key", unique=True),
    Index(None, "content_key"),
    Index(None, "text_key"),
    Index(None, "pair_key"),
    _partial_index("ix_images_review", "owner", where="needs_review"),
)
Table(
    "placements",
    tables,
    Column("id", Id, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("image", Id, ForeignKey("images.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("page", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("bbox", JSON, nullable=False),
    Column("xref", Integer),
    Column("path", Text),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("caption", Text),
    Column("nearby_text", Text),
    Index(None, "document", "ordinal"),
    Index(None, "image"),
)
Table(
    "products",
    tables,
    Column("id", Id, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("record", JSON, nullable=False),
    Index(None, "document", "ordinal"),
)
Table(
    "chunks",
    tables,
    Column("id", Id, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("text_key", Key, nullable=False),
    Column("embed", Boolean, nullable=False),
    Column("record", JSON, nullable=False),
    *_publishing("chunks"),
    Index(None, "document", "ordinal"),
    Index(None, "text_key"),
)
Table(
    "entities",
    tables,
    Column("id", Id, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("record", JSON, nullable=False),
    Index(None, "document", "ordinal"),
)
Table(
    "links",
    tables,
    _document(primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("source", Id, primary_key=True),
    Column("target", Id, primary_key=True),
    Column("generation", Token, nullable=False),
    Column("score", Double, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("role", String(16)),
    Column("shared", Boolean, nullable=False, server_default=text("false")),
    Index(None, "source"),
    Index(None, "target"),
)
Table(
    "lost_pictures",
    tables,
    _document(primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("bbox", JSON, nullable=False),
    Column("share", Double, nullable=False),
    Column("phash", String(16)),
    Column("state", String(16), nullable=False),
    Column("audited", Boolean, nullable=False, server_default=text("false")),
    Column("by", Text),
    Column("at", Double),
)
Table(
    "hand_edits",
    tables,
    _document(primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("edit", JSON, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("problem", Text),
    Column("undone_by", Text),
    Column("undone_at", Double),
)
Table(
    "assemblies",
    tables,
    _document(primary_key=True),
    Column("record", JSON, nullable=False),
)
Table(
    "source_items",
    tables,
    _document(primary_key=True),
    Column("key", Key, primary_key=True),
    Column("item", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("generation", Token, nullable=False),
    Column("seen", Token, nullable=False),
    Column("gone", Boolean, nullable=False, server_default=text("false")),
    Column("digest", Key, nullable=False),
    Column("product", Id),
    Column("pictures", JSON, nullable=False),
    Column("kind", String(32)),
    Column("message", Text),
    Index(None, "document", "number"),
)
Table(
    "trash",
    tables,
    Column("document", Id, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("file", Text),
    Column("pages_file", Text),
    Column("products", Integer, nullable=False),
    Column("images", Integer, nullable=False),
    Column("older", Id),
    Column("newer", Id),
    Column("at", Double, nullable=False),
    Index(None, "owner", "at"),
    Index(None, "file"),
    Index(None, "pages_file"),
)
Table(
    "trash_rows",
    tables,
    Column("document", Id, ForeignKey("trash.document"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", String(32), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
Table(
    "trash_keys",
    tables,
    Column("document", Id, ForeignKey("trash.document"), primary_key=True),
    Column("key", Key, primary_key=True),
    Index(None, "key"),
)
Table(
    "contents",
    tables,
    Column("key", Key, primary_key=True),
    Column("file", Text),
    Column("text", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("mode", String(16)),
    Column("phash", String(16)),
    Column("unused_since", Double),
    Column("size", Size),
    Index(None, "file"),
    _partial_index("ix_contents_unused", "unused_since", where="unused_since IS NOT NULL"),
)
Table(
    "items",
    tables,
    Column("key", Key, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("runs", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("failure", JSON),
    Column("next_retry_at", Double),
    Column("lease", Text),
    Column("lease_until", Double),
    Column("lease_size", Integer),
    Index(None, "lease"),
)
Table(
    "vectors",
    tables,
    Column("key", Key, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
Table(
    "analyses",
    tables,
    Column("key", Key, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("record", JSON, nullable=False),
    Column("text_key", Key),
    Index(None, "text_key"),
)
Table(
    "reviews",
    tables,
    Column("key", Key, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("stands", Boolean, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("second", Text),
    Column("reasons", JSON, nullable=False),
    Column("score_before", Double, nullable=False),
    Column("score_after", Double, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("next_try_at", Double),
)
Table(
    "calls",
    tables,
    Column("request", Key, primary_key=True),
    Column("run", Token, nullable=False),
    Column("document", Id, nullable=False),
    Column("provider", Text, nullable=False),
    Column("stage", String(32)),
    Column("state", String(16), nullable=False),
    Column("answer", JSON),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("cost_usd", Double),
    Column("at", Double, nullable=False),
    Column("attempt", Integer, primary_key=True, server_default="1"),
    Column("generation", Token),
    Column("model", Text),
    Column("at_most_usd", Double),
    Column("truncated", Boolean, nullable=False, server_default=text("false")),
    Index(None, "document", "generation"),
)
Table(
    "spaces",
    tables,
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Double, nullable=False),
    Column("model", JSON),
    Column("activated_at", Double),
    Column("retired_at", Double),
    Column("dropping", Boolean, nullable=False, server_default=text("false")),
)
Table(
    "backgrounds",
    tables,
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("owner", String(64), primary_key=True),
    Column("mean", Double, nullable=False),
    Column("deviation", Double, nullable=False),
    Column("objects", Integer, nullable=False),
)
Table(
    "late_writes",
    tables,
    Column("id", Id, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("due_at", Double, nullable=False),
    Index(None, "due_at"),
)
Table(
    "owner_seeds",
    tables,
    Column("owner", String(64), primary_key=True),
    Column("seed", String(64), nullable=False),
    Column("renamed_to", String(64)),
)
Table(
    "flow_processes",
    tables,
    Column("flow_run", Id, primary_key=True),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid_namespace", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", Double, nullable=False),
    Column("heartbeat_at", Double, nullable=False),
)
Table(
    "notices",
    tables,
    Column("id", Token, primary_key=True),
    _document(),
    Column("generation", Token),
    Column("status", String(16), nullable=False),
    Column("failure_kind", String(32)),
    Column("message", Text),
    Column("at", Double, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Double, nullable=False),
    Column("problem", Text),
    Index(None, "state", "next_try_at"),
    Index(None, "document", "at"),
)
Table(
    "timings",
    tables,
    _document(primary_key=True),
    Column("run", Token, primary_key=True),
    Column("stage", String(32), primary_key=True),
    Column("seconds", Double, nullable=False),
    Column("at", Double, nullable=False),
    Column("units", Integer, nullable=False, server_default="0"),
    Index(None, "stage", "at"),
)
Table(
    "failed_tries",
    tables,
    _document(primary_key=True),
    Column("run", Token, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Index(None, "at"),
)
Table(
    "rounds",
    tables,
    Column("id", Token, primary_key=True),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("count", Integer, nullable=False),
    Column("done", JSON, nullable=False),
    Index(None, "ended_at"),
)
Table(
    "deliveries",
    tables,
    Column("source", String(64), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("document", Id, nullable=False),
    Column("at", Double, nullable=False),
    Index(None, "at"),
)
