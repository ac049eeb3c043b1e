"""The tables of the ledger and what each column means, declared once. Times are Unix seconds by the database's own
clock.

Only types that both PostgreSQL and SQLite have. Rows that a stage writes carry the generation that wrote them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    case,
    text,
)

from swatchbook.domain.records import Role

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(36)
Key = String(64)
Token = String(26)
Time = Double
Size = Integer().with_variant(BigInteger(), "postgresql")  # bytes: an INTEGER of SQLite has 64 bits


class SafeText(TypeDecorator[str]):
    """Text from outside, made storable: PostgreSQL rejects NUL, every database lone surrogates."""

    impl, cache_ok = Text, True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _document(*, primary_key: bool = False) -> Column[str]:
    return Column("document", Id, ForeignKey("documents.id"), nullable=False, primary_key=primary_key)


def _publishing(table: str) -> Iterator[Column[Any] | Index]:
    """Yield the columns of `images` and `chunks` for publishing, and an index of the few rows that wait for it."""
    yield Column("dirty", Integer, nullable=False)  # rises with every change of what is published: dirty.py
    yield Column("made", Integer, nullable=False, server_default="0")  # `dirty` when an item of it was last committed
    yield Column("published", Integer, nullable=False, server_default="0")  # `dirty` as of the last publish
    yield Column("gone", Boolean, nullable=False, server_default=text("false"))
    yield Column("publish_lease", Text)
    yield Column("publish_until", Time)
    yield Column("publish_tries", Integer, nullable=False, server_default="0")
    yield Column("publish_failure", JSON)
    yield Column("publish_next", Time)
    # migrations/upgrade.py adds postgresql_where; here it would load that dialect in every process
    yield Index(f"ix_{table}_unpublished", "publish_next", sqlite_where=text("dirty > published OR gone"))


documents = Table(
    "documents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("content", Text, nullable=False),  # sha256 of the bytes; of a folder or batch its absolute name
    Column("kind", String(16), nullable=False),  # pdf, folder, batch
    Column("name", SafeText, nullable=False),  # the file's name, for people
    Column("file", Text),  # key in the file store
    Column("size", Size, nullable=False),
    Column("status", String(16), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("message", SafeText),  # why blocked or failed, and what to do
    Column("failure_kind", String(32)),
    Column("options", JSON, nullable=False),  # the IngestOptions requested last
    Column("generation", Token),  # the current one
    Column("fingerprint", Key),  # hash of the options and settings of the current generation
    Column("force", Token),  # the generation that --force began, part of the pure cache keys
    Column("run", Token),  # the live run, if any
    Column("due_at", Time),  # next try of a waiting or blocked document
    Column("deaths", Integer, nullable=False, server_default="0"),  # runs that died in a row with nothing committed
    Column("page_count", Integer),
    Column("pages_file", Text),  # key in the file store of stage 1's result
    Column("report", JSON),  # the last RunReport
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("launches", Integer, nullable=False, server_default="0"),  # flow runs created, for their idempotency keys
    Column("blocks", JSON, nullable=False, server_default=text("'{}'")),  # names of those that its last run used
    Column("commanded_at", Time),  # when a person last asked for it or cancelled it; earlier cancels no longer count
    # the document whose newer edition it is; no foreign key: document_editions.py keeps the chain
    Column("edition_of", Id),
    Column("superseded_by", Id),  # its newer edition, once that has products: searches then leave this one out
    Column("trace", String(55)),  # traceparent of the request or command that asked for its generation: tracing.py
    Column("readings", JSON(none_as_null=True)),  # all that it was taught: swatchbook-teach; `options` has that in use
    Index(None, "owner", "created_at", "id"),
    Index(None, "status", "due_at"),
    Index(None, "file"),
    Index(None, "pages_file"),
    Index("ix_documents_superseded", "owner", sqlite_where=text("superseded_by IS NOT NULL")),
)

runs = Table(  # processes at work
    "runs",
    metadata,
    Column("token", Token, primary_key=True),
    Column("document", Id, ForeignKey("documents.id")),
    Column("generation", Token),
    # document, shard, review, fill; without a document flow (a flow run) and hold (garbage collection waits for it)
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),  # live, ended, dead, revoked
    Column("host", Text, nullable=False),  # these five: fields of `Process`
    Column("boot_id", Text, nullable=False),
    Column("pid_namespace", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", Double, nullable=False),
    Column("prefect_run", Text),
    Column("started_at", Time, nullable=False),
    Column("heartbeat_at", Time, nullable=False),
    Column("progress_at", Time, nullable=False),
    Column("lease_until", Time, nullable=False),
    Column("ended_at", Time),
    Column("failure_kind", String(32)),  # kind of the failure that ended it, if one did
    Column("stage", String(32)),  # the stage being worked on
    Column("done", Integer, nullable=False, server_default="0"),  # within the stage
    Column("total", Integer, nullable=False, server_default="0"),
    Column("note", SafeText),
    Index(None, "state", "document"),  # state first: live runs are few and read often
)

requested = Table(
    "requested",
    metadata,
    _document(primary_key=True),
    Column("generation", Token, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    # made for another space than the one that searches read: not counted in the account (space_registry.py)
    Column("beside", Boolean, nullable=False, server_default=text("false")),
    Index(None, "role", "tag"),
)

pages = Table(
    "pages",
    metadata,
    _document(primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("generation", Token, nullable=False),
    Column("box", JSON, nullable=False),
    Column("kind", String(16), nullable=False),  # product, entity, skipped, lost
    Column("reason", SafeText),
    Column("failure_kind", String(32)),
    Column("pictures", JSON),  # pictures that are seen on a skipped page: [{bbox, width, height}]
    Column("label", SafeText),  # the number that people read on it, if it is another one
    Column("unassigned", JSON(none_as_null=True)),  # what of it belongs to no product: Unassigned, null without any
    Column("rejected", JSON(none_as_null=True)),  # its texts that were nearly names: [Evidence], null without any
    Column("unsure", Boolean, nullable=False, server_default=text("false")),  # it needs a vision model or a person
    Column("entities", JSON(none_as_null=True)),  # its certificates, logos, specifications: [Entity], null without any
)

images = Table(
    "images",
    metadata,
    Column("id", Id, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("content_key", Key, nullable=False),
    Column("text_key", Key),  # of the understanding text of the analysis in use
    Column("width", Integer),
    Column("height", Integer),
    Column("quality", Double),
    Column("needs_review", Boolean, nullable=False, server_default=text("false")),  # weak, and not settled by a review
    *_publishing("images"),
    Column("pair_key", Key),  # key of picture and text together; set exactly where text_key is
    Column("dismissed", JSON(none_as_null=True)),  # failure of the analysis in use, where a person has rejected it
    Index(None, "owner", "content_key", unique=True),
    Index(None, "content_key"),
    Index(None, "text_key"),
    Index(None, "pair_key"),
    Index("ix_images_review", "owner", sqlite_where=text("needs_review")),
)

placements = Table(
    "placements",
    metadata,
    Column("id", Id, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("image", Id, ForeignKey("images.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),  # reading order in the document
    Column("page", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("bbox", JSON, nullable=False),
    Column("xref", Integer),
    Column("path", SafeText),
    Column("state", String(16), nullable=False),  # shown, hidden, decorative, unreadable
    Column("reason", SafeText),
    Column("caption", SafeText),
    Column("nearby_text", SafeText),
    Index(None, "document", "ordinal"),
    Index(None, "image"),
)

products = Table(
    "products",
    metadata,
    Column("id", Id, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("name", SafeText, nullable=False),
    Column("record", JSON, nullable=False),  # Product
    Index(None, "document", "ordinal"),
)

product_codes = Table(  # of products and their variants, as in their records: product_codes.py
    "product_codes",
    metadata,
    Column("product", Id, primary_key=True),
    Column("code", SafeText, primary_key=True),  # without case and blanks
    _document(),
    Index(None, "code"),
    Index(None, "document"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", Id, primary_key=True),
    _document(),
    Column("generation", Token, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("text_key", Key, nullable=False),
    Column("embed", Boolean, nullable=False),
    Column("record", JSON, nullable=False),  # Chunk
    *_publishing("chunks"),
    Index(None, "document", "ordinal"),
    Index(None, "text_key"),
)

links = Table(
    "links",
    metadata,
    _document(primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("source", Id, primary_key=True),
    Column("target", Id, primary_key=True),
    Column("generation", Token, nullable=False),
    Column("score", Double, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("role", String(16)),  # photo, drawing, scene …
    Column("shared", Boolean, nullable=False, server_default=text("false")),  # the picture has other products, too
    Index(None, "source"),
    Index(None, "target"),
)

lost_pictures = Table(  # what looks like a picture on a page, and people's decisions on it: page_findings.py
    "lost_pictures",
    metadata,
    _document(primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),  # on its page, from 1; people name it 5:1
    Column("bbox", JSON, nullable=False),
    Column("share", Double, nullable=False),  # share of the page
    Column("phash", String(16)),
    Column("state", String(16), nullable=False),  # seen, taken, dismissed
    Column("by", SafeText),  # who took it in or dismissed it
    Column("at", Time),
)

hand_edits = Table(  # what people changed about products: edited_products.py
    "hand_edits",
    metadata,
    _document(primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1, in the order in which they were made
    Column("edit", JSON, nullable=False),  # Edit
    Column("by", SafeText, nullable=False),
    Column("at", Time, nullable=False),
    Column("problem", SafeText),  # why it changes nothing now
    Column("undone_by", SafeText),
    Column("undone_at", Time),
)

assemblies = Table(  # what stage 7 found, of documents with edits; `products` and `links` have it with the edits
    "assemblies",
    metadata,
    _document(primary_key=True),
    Column("record", JSON, nullable=False),  # Assembly
)

source_items = Table(  # what a folder held when it was last read, so that unchanged files are known
    "source_items",
    metadata,
    _document(primary_key=True),
    Column("key", Key, primary_key=True),  # sha256 of the item's id, which may be too long for a key
    Column("item", SafeText, nullable=False),  # the item's id: of a picture in a folder its path
    Column("number", Integer, nullable=False),  # order in which the items of the source came
    Column("generation", Token, nullable=False),
    Column("seen", Token, nullable=False),  # the scan that found it last
    Column("gone", Boolean, nullable=False, server_default=text("false")),  # it is no longer in its source
    Column("digest", Key, nullable=False),  # hash of title and metadata
    Column("product", Id),
    Column("pictures", JSON, nullable=False),  # SourcePicture
    Column("kind", String(32)),  # kind of the failure of an item none of whose pictures was read
    Column("message", SafeText),
    Index(None, "document", "number"),
)

trash = Table(  # deleted documents that can be restored: trashed_documents.py
    "trash",
    metadata,
    Column("document", Id, primary_key=True),  # its id; no foreign key: its row may be gone
    Column("owner", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", SafeText, nullable=False),
    Column("file", Text),  # keys in the file store
    Column("pages_file", Text),
    Column("products", Integer, nullable=False),  # how many it had
    Column("images", Integer, nullable=False),  # how many it showed
    Column("older", Id),  # the document whose newer edition it was
    Column("newer", Id),  # the document that was its newer edition
    Column("at", Time, nullable=False),
    Index(None, "owner", "at"),
    Index(None, "file"),
    Index(None, "pages_file"),
)

trash_rows = Table(  # its rows in `documents`, `images` and the tables of its parts
    "trash_rows",
    metadata,
    Column("document", Id, ForeignKey("trash.document"), primary_key=True),
    Column("number", Integer, primary_key=True),  # order in which they were written
    Column("name", String(32), nullable=False),  # name of the table
    Column("data", LargeBinary, nullable=False),  # JSON of a list of rows, compressed by zlib
)

trash_keys = Table(  # contents that are kept for it
    "trash_keys",
    metadata,
    Column("document", Id, ForeignKey("trash.document"), primary_key=True),
    Column("key", Key, primary_key=True),
    Index(None, "key"),
)

contents = Table(
    "contents",
    metadata,
    Column("key", Key, primary_key=True),
    Column("file", Text),  # key in the file store, of a picture or a document
    Column("text", SafeText),  # the text itself, where the content is a text
    Column("width", Integer),
    Column("height", Integer),
    Column("mode", String(16)),
    Column("phash", String(16)),
    Column("unused_since", Time),
    Column("size", Size),  # bytes of the file; NULL: it was stored by an earlier version
    Index(None, "file"),
    Index("ix_contents_unused", "unused_since", sqlite_where=text("unused_since IS NOT NULL")),
)

items = Table(
    "items",
    metadata,
    Column("key", Key, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),  # number of claims, for display
    Column("runs", Integer, nullable=False, server_default="0"),  # runs that ended in a recorded failure
    Column("crashes", Integer, nullable=False, server_default="0"),  # processes that died while they held it
    Column("failure", JSON),  # {kind, policy, message}
    Column("next_retry_at", Time),
    Column("lease", Text),  # run's token:claim's ULID
    Column("lease_until", Time),
    Column("lease_size", Integer),  # keys claimed together; 1: it was alone
    Index(None, "lease"),
)

vectors = Table(
    "vectors",
    metadata,
    Column("key", Key, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),  # float32, little endian
)

analyses = Table(
    "analyses",
    metadata,
    Column("key", Key, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("record", JSON, nullable=False),  # Analysis
    Column("text_key", Key),  # of its understanding text; NULL where it has none
    Index(None, "text_key"),
)

reviews = Table(  # of an owner's image, for each owner apart
    "reviews",
    metadata,
    Column("image", Id, primary_key=True),  # no foreign key: an image may be gone for a while
    Column("tag", Text, primary_key=True),  # tag of the analysis that is reviewed
    Column("key", Key, nullable=False),  # content key of the image
    Column("verdict", String(16), nullable=False),
    Column("second", Text),  # tag of the analysis that is used instead
    Column("reason", SafeText, nullable=False),
    Column("by", SafeText, nullable=False),
    Column("at", Time, nullable=False),
    Column("tries", Integer, nullable=False),  # failed ones, one after the other
    Column("next_try_at", Time),  # next try of a failed second analysis; NULL: a person decides
    Index(None, "key"),
)

calls = Table(
    "calls",
    metadata,
    Column("request", Key, primary_key=True),  # sha256 of the request
    Column("run", Token, nullable=False),
    Column("document", Id, nullable=False),  # no foreign key: costs stay after the document is deleted
    Column("provider", Text, nullable=False),  # the provider's host
    Column("stage", String(32)),
    Column("state", String(16), nullable=False),  # reserved, answered, failed, unknown
    Column("answer", JSON),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("cost_usd", Double),  # NULL: not known
    Column("at", Time, nullable=False),
    Column("attempt", Integer, primary_key=True, server_default="1"),  # one row an attempt, so that every cost is kept
    Column("generation", Token),
    Column("model", Text),
    Column("at_most_usd", Double),  # estimated before it was sent; NULL: the price is not known
    Column("truncated", Boolean, nullable=False, server_default=text("false")),  # the request was cut to fit
    Index(None, "document", "generation"),
)

spaces = Table(
    "spaces",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Time, nullable=False),
    Column("model", JSON),  # the settings that name its model; NULL: not recorded
    Column("activated_at", Time),  # last; NULL: it was never active
    Column("retired_at", Time),  # last; spaces that one switch retired have the same time
    Column("dropping", Boolean, nullable=False, server_default=text("false")),  # nothing writes or reads it any more
    # owner ("": all) -> how near its objects are to unrelated questions: search/relevance.py
    Column("backgrounds", JSON, nullable=False, server_default=text("'{}'")),
)

late_writes = Table(  # ids of writes to the index that their publisher gave up, and that may still arrive
    "late_writes",
    metadata,
    Column("id", Id, primary_key=True),  # no foreign key: the image or chunk may be deleted meanwhile
    Column("number", Integer, primary_key=True),
    Column("due_at", Time, nullable=False),  # when the object is written, or removed, again
    Index(None, "due_at"),
)

owner_seeds = Table(  # owners that were renamed, and the names that they had: owners.py
    "owner_seeds",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("seed", String(64), nullable=False),  # the name from which the owner's ids of documents and images are made
    Column("renamed_to", String(64)),
)

notices = Table(  # what is sent to the operator's receiver: webhooks.py
    "notices",
    metadata,
    Column("id", Token, primary_key=True),  # the `webhook-id` under which it is sent
    _document(),
    Column("generation", Token),
    Column("status", String(16), nullable=False),  # of the document: completed, failed, blocked
    Column("failure_kind", String(32)),
    Column("message", SafeText),
    Column("at", Time, nullable=False),  # when the status was set
    Column("state", String(16), nullable=False),  # owed, sent, given up
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Time, nullable=False),
    Column("problem", SafeText),  # why the last try failed
    Index(None, "state", "next_try_at"),
    Index(None, "document", "at"),
)

figures = Table(  # what runs did, for figures over time: figures.py
    "figures",
    metadata,
    _document(primary_key=True),
    Column("run", Token, primary_key=True),
    Column("stage", String(32), primary_key=True),  # of failed tries the role
    # kind of failed tries, whether or not a later one succeeded; else ''
    Column("failure", String(32), primary_key=True, server_default=text("''")),
    Column("seconds", Double, nullable=False),
    Column("units", Integer, nullable=False, server_default="0"),  # pages or images worked on, or failed tries
    Column("at", Time, nullable=False),  # of the last of them
    Index(None, "stage", "at"),
    Index(None, "at"),
)

rounds = Table(  # what the background loop did; equal rounds in a row are one row
    "rounds",
    metadata,
    Column("id", Token, primary_key=True),
    Column("began_at", Time, nullable=False),
    Column("ended_at", Time, nullable=False),  # when the last of them ended
    Column("count", Integer, nullable=False),
    Column("done", JSON, nullable=False),  # the fields of `Ticked` that are not empty
    Index(None, "ended_at"),
)

inbox = Table(  # what came in, each known once: events of object stores, and deliveries of webhooks
    "inbox",
    metadata,
    Column("id", Token, primary_key=True),  # hash of owner, object, version and order; of a delivery its source and id
    Column("object", Key),  # hash of owner and URL; null: a delivery
    Column("owner", String(64)),  # null: under no source
    Column("url", SafeText),  # of the object, or what the message was; null: a delivery
    Column("source", Text),  # URL of the source of the settings; of a delivery the name of its source
    Column("event", SafeText, nullable=False),  # as the store names it; of a delivery the sender's id
    Column("version", SafeText),
    Column("order_key", SafeText),  # place among the events of the object
    Column("state", String(16), nullable=False),  # waiting, done, ignored, dead; delivered
    Column("document", Id),  # no foreign key: events stay after the document is deleted
    Column("failure_kind", String(32)),
    Column("message", SafeText),  # why it is ignored or dead, or the last try failed
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Time),
    Column("at", Time, nullable=False),  # when it was told first
    Column("changed_at", Time, nullable=False),
    Index(None, "state", "next_try_at"),
    Index(None, "object"),
    Index(None, "owner", "at"),
)

_KEY_COLUMNS: Mapping[str, Column[str]] = {Role.UNDERSTANDING: images.c.text_key, Role.MULTIMODAL: images.c.pair_key}
"""Columns of `images` with the key of a role's items; all other roles are keyed by the picture."""


def key_column(role: str) -> Column[str]:
    """Return the column of `images` that holds the key of this role's items."""
    return _KEY_COLUMNS.get(role, images.c.content_key)


def key_for_role(role: ColumnElement[str]) -> ColumnElement[str]:
    """Return the key of an item as SQL, where the role is a column of the query."""
    return case(*((role == name, column) for name, column in _KEY_COLUMNS.items()), else_=images.c.content_key)
