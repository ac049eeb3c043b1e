"""Choose the analysis of a picture that is in use after its reviews, and so the text that each image shows.

Also queues the items that are made from the text (`understanding`, `multimodal`). `analysis.py` has the rule when
an analysis is weak.

An `understanding` item has the text's key, a `multimodal` item the key of picture and text together. The latter is made
from the picture's `visual` vector and the text, and is queued when the second of the two is there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, and_, bindparam, case, exists, null, select, update

from swatchbook.analysis import is_weak
from swatchbook.ledger.bulk_rows import upsert_rows
from swatchbook.ledger.database import select_in
from swatchbook.ledger.item_tries import ItemId
from swatchbook.ledger.requested import add_pending, reopen_documents
from swatchbook.ledger.tables import analyses, contents, images, items, placements, requested, reviews
from swatchbook.records import COUNTED, Analysis, ItemState, Role, Verdict, pair_key


@dataclass(frozen=True)
class AnalysisInUse:
    """The analysis of a picture (content key) that replaces the one requested under `tag` after its reviews.

    `record` and `text_key` are those of the other analysis where a review has corrected it. `text_key` is None where
    the picture was rejected or the analysis has nothing to say.
    """

    key: str
    tag: str
    verdict: Verdict | None
    record: Mapping[str, Any]
    text_key: str | None

    def needs_review(self, below: float) -> bool:
        """Return whether the analysis is weak and no review has settled it."""
        unsettled = self.verdict in (None, Verdict.UNDECIDED, Verdict.FAILED)
        return unsettled and is_weak(Analysis.model_validate(self.record), below)


def analyses_in_use(
    connection: Connection, keys: Iterable[str], tags: Collection[str] | None = None
) -> Iterator[AnalysisInUse]:
    """Yield the analysis in use for each picture (content key) and requested tag that has one; None: any tag."""
    query = _IN_USE if tags is None else _IN_USE.where(analyses.c.tag.in_(tags))
    for row in select_in(connection, query, analyses.c.key, keys):
        verdict = row.verdict and Verdict(row.verdict)
        yield AnalysisInUse(row.key, row.tag, verdict, row.record, row.text_key)


_OTHER = analyses.alias("other")
_IN_USE = (
    select(
        analyses.c.key,
        analyses.c.tag,
        reviews.c.verdict,
        case((reviews.c.verdict == Verdict.CORRECTED, _OTHER.c.record), else_=analyses.c.record).label("record"),
        case(
            (reviews.c.verdict == Verdict.CORRECTED, _OTHER.c.text_key),
            (reviews.c.verdict == Verdict.REJECTED, null()),
            else_=analyses.c.text_key,
        ).label("text_key"),
    )
    .join_from(
        analyses,
        reviews,
        and_(reviews.c.key == analyses.c.key, reviews.c.tag == analyses.c.tag, reviews.c.stands),
        isouter=True,
    )
    .join(_OTHER, and_(_OTHER.c.key == reviews.c.key, _OTHER.c.tag == reviews.c.second), isouter=True)
)


def set_current_text(connection: Connection, tag: str, keys: Iterable[str], review_below: float) -> dict[str, bool]:
    """Let images of these pictures show the analysis in use, where a document requests the analysis of this tag.

    Returns image id -> whether its text is another one now. The texts are stored already; queue the items of the new
    ones with `queue_text_items`.
    """
    in_use = {used.key: used for used in analyses_in_use(connection, keys, [tag])}
    query = select(images.c.id, images.c.content_key, images.c.text_key).where(_is_analysis_requested(tag))
    rows = list(select_in(connection, query, images.c.content_key, in_use))
    write_texts(connection, {row.id: in_use[row.content_key] for row in rows}, review_below)
    return {row.id: row.text_key != in_use[row.content_key].text_key for row in rows}


def _is_analysis_requested(tag: str) -> ColumnElement[bool]:
    """Return the condition that a document which places an image requests the analysis of this tag."""
    return exists().where(
        placements.c.image == images.c.id,
        requested.c.document == placements.c.document,
        requested.c.role == Role.ANALYSIS,
        requested.c.tag == tag,
    )


def write_texts(connection: Connection, in_use: Mapping[str, AnalysisInUse], review_below: float) -> None:
    """Set the text, quality and need of a review of images (by id) from the analysis in use."""
    if in_use:
        connection.execute(
            update(images)
            .where(images.c.id == bindparam("image"))
            .values(
                text_key=bindparam("text"),
                pair_key=bindparam("pair"),
                quality=bindparam("seen"),
                needs_review=bindparam("weak"),
            ),
            [
                {"image": image, "text": used.text_key, "seen": used.record["quality"],
                 "pair": used.text_key and pair_key(used.key, used.text_key), "weak": used.needs_review(review_below)}
                for image, used in in_use.items()
            ],
        )  # fmt: skip


def queue_text_items(connection: Connection, column: Column[str], values: Collection[str]) -> None:
    """Queue the items of the texts of the images with these values in `column`.

    They have the tags of all documents that show the images; completed ones among these documents are reopened.
    """
    query = (
        select(placements.c.document, images.c.content_key, images.c.text_key, images.c.pair_key)
        .join_from(images, placements, placements.c.image == images.c.id)
        .where(images.c.text_key.is_not(None), placements.c.state.in_(COUNTED))
        .distinct()
    )
    showing = list(select_in(connection, query, column, values))
    tags = _tags(connection, {row.document for row in showing})
    from_text = {
        (row.text_key, Role.UNDERSTANDING.value, tag)
        for row in showing
        for tag in tags[row.document, Role.UNDERSTANDING]
    }
    from_pair = _multimodal_items(connection, showing, tags)
    # a pair has a row of contents like a text or a picture, so that unused vectors are collected with it
    upsert_rows(
        connection, contents, [{"key": key, "unused_since": None} for key in sorted({key for key, _, _ in from_pair})]
    )
    add_pending(connection, from_text | from_pair)
    reopen_documents(connection, sorted({key for key, _, _ in from_text | from_pair}))


_Tags = defaultdict[tuple[str, str], list[str]]
"""(document, role) -> the tags that it requests."""


def _tags(connection: Connection, documents: Collection[str]) -> _Tags:
    """Return the requested tags. Joined with images, SQLite would start from all requests of a role."""
    roles = (Role.UNDERSTANDING, Role.MULTIMODAL, Role.VISUAL)
    tags = _Tags(list)
    query = select(requested.c.document, requested.c.role, requested.c.tag).where(requested.c.role.in_(roles))
    for row in select_in(connection, query, requested.c.document, documents):
        tags[row.document, row.role].append(row.tag)
    return tags


def _multimodal_items(connection: Connection, showing: Collection[Row[Any]], tags: _Tags) -> set[ItemId]:
    """Return the `multimodal` items of images with the `visual` vector that they are made from.

    With two encoders requested, each `multimodal` vector waits for the `visual` vector of its own (`name@revision`).
    """
    requesting = [row for row in showing if tags[row.document, Role.MULTIMODAL]]
    done = select(items.c.key, items.c.tag).where(items.c.role == Role.VISUAL, items.c.state == ItemState.DONE)
    have_visual = {
        (row.key, row.tag) for row in select_in(connection, done, items.c.key, {row.content_key for row in requesting})
    }
    return {
        (row.pair_key, Role.MULTIMODAL.value, tag)
        for row in requesting
        for tag in tags[row.document, Role.MULTIMODAL]
        if any((row.content_key, visual) in have_visual for visual in _made_from(tag, tags[row.document, Role.VISUAL]))
    }


def _made_from(tag: str, visual: Sequence[str]) -> Sequence[str]:
    """Return those of the `visual` tags from whose vectors one `multimodal` tag is made; of one encoder it is clear."""
    same_model = [each for each in visual if each.partition("/")[0] == tag.partition("/")[0]]
    return visual if len(visual) == 1 else same_model
