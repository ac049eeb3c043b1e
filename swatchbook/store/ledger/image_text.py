"""Choose the analysis that an image uses after its reviews, and so the text that it shows.

Also queues the items that are made from the text (`understanding`, `multimodal`). `analysis.py` has the rule when
an analysis is weak.

An `understanding` item has the text's key, a `multimodal` item the key of picture and text together. The latter is made
from the picture's `visual` vector and the text, and is queued when the second of the two is there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, and_, bindparam, case, exists, null, select, update

from swatchbook.domain.analysis import is_weak
from swatchbook.domain.errors import Dismissed
from swatchbook.domain.records import COUNTED, Analysis, ItemState, Role, Verdict, pair_key
from swatchbook.store.ledger.bulk_rows import upsert_rows
from swatchbook.store.ledger.database import select_in
from swatchbook.store.ledger.item_tries import ItemId, failure_record
from swatchbook.store.ledger.requested import add_pending, reopen_documents
from swatchbook.store.ledger.tables import analyses, contents, images, items, placements, requested, reviews


@dataclass(frozen=True)
class AnalysisInUse:
    """The analysis of an image that is used for the one requested under `tag` after its review. `key`: content key.

    `record` and `text_key` are those of the analysis `second` where it replaces the first. `text_key` is None where
    the image was rejected (`dismissed`: the failure) or the analysis has nothing to say.
    """

    image: str
    key: str
    tag: str
    verdict: Verdict | None
    second: str | None
    record: Mapping[str, Any]
    text_key: str | None
    dismissed: Mapping[str, str] | None

    def needs_review(self, below: float) -> bool:
        """Return whether the analysis is weak and no review has settled it."""
        unsettled = self.verdict in (None, Verdict.UNDECIDED, Verdict.FAILED)
        return unsettled and is_weak(Analysis.model_validate(self.record), below)


def analyses_in_use(
    connection: Connection, ids: Iterable[str], tags: Collection[str] | None = None
) -> Iterator[AnalysisInUse]:
    """Yield the analysis in use for each image and requested tag that has one; None: the tag of any model."""
    query = _IN_USE if tags is None else _IN_USE.where(analyses.c.tag.in_(tags))
    for row in select_in(connection, query, images.c.id, ids):
        verdict, dismissed = row.verdict and Verdict(row.verdict), None
        if verdict is Verdict.REJECTED:
            dismissed = failure_record(Dismissed(row.reason, advice=f"Rejected by {row.by}."))
        yield AnalysisInUse(row.id, row.key, row.tag, verdict, row.second, row.record, row.text_key, dismissed)


_OTHER = analyses.alias("other")
_IN_USE = (
    select(
        images.c.id,
        analyses.c.key,
        analyses.c.tag,
        reviews.c.verdict,
        reviews.c.second,
        reviews.c.reason,
        reviews.c.by,
        case((_OTHER.c.key.is_not(None), _OTHER.c.record), else_=analyses.c.record).label("record"),
        case(
            (reviews.c.verdict == Verdict.REJECTED, null()),
            (_OTHER.c.key.is_not(None), _OTHER.c.text_key),
            else_=analyses.c.text_key,
        ).label("text_key"),
    )
    .join_from(images, analyses, analyses.c.key == images.c.content_key)
    .outerjoin(reviews, and_(reviews.c.image == images.c.id, reviews.c.tag == analyses.c.tag))
    .outerjoin(_OTHER, and_(_OTHER.c.key == reviews.c.key, _OTHER.c.tag == reviews.c.second))
    .where(~analyses.c.tag.startswith("person@"))  # written by a person before 0044: counts through its review only
)


def set_current_text(
    connection: Connection, tag: str, column: Column[str], values: Iterable[str], review_below: float
) -> dict[str, bool]:
    """Let images with these values in `column` show the analysis in use, where a document requests one of this tag.

    Returns image id -> whether its text is another one now. The texts are stored already; queue the items of the new
    ones with `queue_text_items`.
    """
    query = select(images.c.id, images.c.text_key).where(
        exists().where(
            placements.c.image == images.c.id,
            requested.c.document == placements.c.document,
            requested.c.role == Role.ANALYSIS,
            requested.c.tag == tag,
        )
    )
    before = {row.id: row.text_key for row in select_in(connection, query, column, values)}
    in_use = list(analyses_in_use(connection, before, [tag]))
    write_texts(connection, in_use, review_below)
    return {used.image: used.text_key != before[used.image] for used in in_use}


def write_texts(connection: Connection, in_use: Collection[AnalysisInUse], review_below: float) -> None:
    """Set the text, quality, rejection and need of a review of images from the analysis in use."""
    if in_use:
        connection.execute(
            update(images)
            .where(images.c.id == bindparam("image"))
            .values(
                text_key=bindparam("text"),
                pair_key=bindparam("pair"),
                quality=bindparam("seen"),
                needs_review=bindparam("weak"),
                dismissed=bindparam("failure"),
            ),
            [
                {"image": used.image, "text": used.text_key, "seen": used.record["quality"],
                 "pair": used.text_key and pair_key(used.key, used.text_key), "weak": used.needs_review(review_below),
                 "failure": used.dismissed}
                for used in in_use
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
    showing = select_in(connection, query, column, values)
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
