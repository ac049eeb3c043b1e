"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table as of this revision; `tables.py` moves on, this stays."""
    op.create_table(
        "analyses",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("text_key", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("key", "tag", name=op.f("pk_analyses")),
    )
    op.create_table(
        "calls",
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("run", sa.String(length=26), nullable=False),
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_calls")),
    )
    op.create_table(
        "contents",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=True),
        sa.Column("phash", sa.String(length=16), nullable=True),
        sa.Column("unused_since", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_contents")),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("failure_kind", sa.String(length=32), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("force", sa.String(length=26), nullable=True),
        sa.Column("run", sa.String(length=26), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("deaths", sa.Integer(), server_default="0", nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=True),
        sa.Column("pages_file", sa.Text(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_owner_created_at_id"), "documents", ["owner", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_documents_status_due_at"), "documents", ["status", "due_at"], unique=False)
    op.create_table(
        "images",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("content_key", sa.String(length=64), nullable=False),
        sa.Column("text_key", sa.String(length=64), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("quality", sa.Double(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("dirty", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published", sa.Integer(), server_default="0", nullable=False),
        sa.Column("gone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("publish_lease", sa.Text(), nullable=True),
        sa.Column("publish_until", sa.Double(), nullable=True),
        sa.Column("publish_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("publish_failure", sa.JSON(), nullable=True),
        sa.Column("publish_next", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
    )
    op.create_index(op.f("ix_images_content_key"), "images", ["content_key"], unique=False)
    op.create_index(op.f("ix_images_owner_content_key"), "images", ["owner", "content_key"], unique=True)
    op.create_index(op.f("ix_images_text_key"), "images", ["text_key"], unique=False)
    op.create_index(
        "ix_images_unpublished",
        "images",
        ["publish_next"],
        unique=False,
        sqlite_where=sa.text("dirty > published OR gone"),
        postgresql_where=sa.text("dirty > published OR gone"),
    )
    op.create_table(
        "items",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.Column("next_retry_at", sa.Double(), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("lease_size", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("key", "role", "tag", name=op.f("pk_items")),
    )
    op.create_index(op.f("ix_items_lease"), "items", ["lease"], unique=False)
    op.create_table(
        "spaces",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("role", "tag", name=op.f("pk_spaces")),
    )
    op.create_table(
        "vectors",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "role", "tag", name=op.f("pk_vectors")),
    )
    op.create_table(
        "chunks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("text_key", sa.String(length=64), nullable=False),
        sa.Column("embed", sa.Boolean(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("dirty", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published", sa.Integer(), server_default="0", nullable=False),
        sa.Column("gone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("publish_lease", sa.Text(), nullable=True),
        sa.Column("publish_until", sa.Double(), nullable=True),
        sa.Column("publish_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("publish_failure", sa.JSON(), nullable=True),
        sa.Column("publish_next", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_chunks_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunks")),
    )
    op.create_index(op.f("ix_chunks_document_ordinal"), "chunks", ["document", "ordinal"], unique=False)
    op.create_index(op.f("ix_chunks_text_key"), "chunks", ["text_key"], unique=False)
    op.create_index(
        "ix_chunks_unpublished",
        "chunks",
        ["publish_next"],
        unique=False,
        sqlite_where=sa.text("dirty > published OR gone"),
        postgresql_where=sa.text("dirty > published OR gone"),
    )
    op.create_table(
        "entities",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_entities_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entities")),
    )
    op.create_index(op.f("ix_entities_document_ordinal"), "entities", ["document", "ordinal"], unique=False)
    op.create_table(
        "links",
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=36), nullable=False),
        sa.Column("target", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_links_document")),
        sa.PrimaryKeyConstraint("document", "kind", "source", "target", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_target"), "links", ["target"], unique=False)
    op.create_table(
        "pages",
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("failure_kind", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_pages_document")),
        sa.PrimaryKeyConstraint("document", "number", name=op.f("pk_pages")),
    )
    op.create_table(
        "placements",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("image", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("bbox", sa.JSON(), nullable=False),
        sa.Column("xref", sa.Integer(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column("nearby_text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_placements_document")),
        sa.ForeignKeyConstraint(["image"], ["images.id"], name=op.f("fk_placements_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placements")),
    )
    op.create_index(op.f("ix_placements_document_ordinal"), "placements", ["document", "ordinal"], unique=False)
    op.create_index(op.f("ix_placements_image"), "placements", ["image"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_products_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_index(op.f("ix_products_document_ordinal"), "products", ["document", "ordinal"], unique=False)
    op.create_table(
        "runs",
        sa.Column("token", sa.String(length=26), nullable=False),
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid_namespace", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Double(), nullable=False),
        sa.Column("prefect_run", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("heartbeat_at", sa.Double(), nullable=False),
        sa.Column("progress_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("failure_kind", sa.String(length=32), nullable=True),
        sa.Column("stage", sa.String(length=32), nullable=True),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_runs_document")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_state_document"), "runs", ["state", "document"], unique=False)
    op.create_table(
        "timings",
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("run", sa.String(length=26), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_timings_document")),
        sa.PrimaryKeyConstraint("document", "run", "stage", name=op.f("pk_timings")),
    )
    op.create_table(
        "wants",
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_wants_document")),
        sa.PrimaryKeyConstraint("document", "generation", "role", "tag", name=op.f("pk_wants")),
    )
    op.create_index(op.f("ix_wants_role_tag"), "wants", ["role", "tag"], unique=False)
