"""Pages to teach a document by example: a page with its texts and pictures to click, what would follow, accept and
undo.

What a person has shown travels in the form of the page (`form.py`): nothing is stored before a reading is
accepted. Pictures: `pictures.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from fastapi import Form, HTTPException, Query, Response

from swatchbook.domain.records import UNTAUGHT, Box, Example, Shown, TaughtReading
from swatchbook_service.documents import DocumentId, find
from swatchbook_teach import lessons
from swatchbook_teach.kept_readings import accept_reading
from swatchbook_teach.learning.texts import PageText
from swatchbook_teach.lessons import Lesson
from swatchbook_teach.records import Proposal, ProposedName
from swatchbook_teach.rule_words import describe_changes, describe_reading
from swatchbook_teach.service import opened_lesson, pictures_of_page, propose, undo_teaching
from swatchbook_teach.web.choices import Choice, changes, on_picture, page_turn, show
from swatchbook_teach.web.form import MODES, MOST_SHOWN, State, TeachForm, change
from swatchbook_teach.web.pictures import (
    HINTS,
    MARKS,
    PICTURE_MODES,
    SIDES,
    Cutout,
    Mark,
    click_pictures,
    cut_out,
    is_of_pictures,
    mark_pictures,
    say_picture,
)
from swatchbook_web.pages import HEADERS, Back, TheView, View, done, local_page, page_router, see_other, with_done

MOST_BOXES: Final = 1_000
"""Texts of a page that can be clicked."""
PAGE_SECONDS: Final = 3.0
"""How long a browser waits for the texts of a document; then it is told that they are being read, and asks again."""
_LONG_LINES, _LONG_WORDS = 3, 12  # a paragraph with more lines or words is clicked line by line
_SHORT = 2  # letters of a text that may be higher than it is long
_LISTED: Final = 30
"""Pages, and names that would be lost, that are listed at once."""

RULES: Final[Mapping[str, str]] = {
    "names": "Names",
    "not": "But not",
    "codes": "Codes",
    "prices": "Prices",
    "pictures": "Pictures",
}
"""What a rule finds -> its title."""

router = page_router()


class ClickableText(NamedTuple):
    """A text at its place on the picture of the page. `said`: what was shown of it; `value`: what a click sends."""

    number: int
    text: str
    box: Box
    value: str
    said: str | None
    one_line: bool


class ShownExample(NamedTuple):
    """What was shown, as the form keeps it, in words, and as a part of its page if it is a picture."""

    example: Example
    value: str
    said: str
    cutout: Cutout | None


class Crop(NamedTuple):
    """A name with its part of the page, what a click says of it, and whether it was shown."""

    name: ProposedName
    box: Box
    around: Box
    size: tuple[float, float]
    right: str
    wrong: str
    shown: bool


# --- the page ---------------------------------------------------------------------------------------------------------


@router.get("/ui/documents/{document_id}/teach")
def begin(
    view: TheView,
    document_id: DocumentId,
    page: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    likeliest: Annotated[int | None, Query(ge=1, le=3)] = None,
    taken_from: UUID | None = None,
) -> Response:
    """Return a page with its texts to click; with `likeliest` or `taken_from` what that reading would find."""
    with opened_lesson(view.resources, view.caller, document_id, seconds=PAGE_SECONDS) as lesson:
        start = lesson.document.options.taught
        if likeliest is not None:
            found = lessons.propose_likeliest(view.resources, lesson)
            if likeliest > len(found):
                raise HTTPException(404, "There is no such reading any more.")
            start = found[likeliest - 1].reading
        elif taken_from is not None:
            start = find(view.resources, view.caller, taken_from).options.taught.rules_only
        shown = start.examples[:MOST_SHOWN]
        return _render(view, lesson, State(page=page or 0, mode="name", lines=False, examples=shown, start=start))


@router.post("/ui/documents/{document_id}/teach")
def show_more(view: TheView, document_id: DocumentId, form: Annotated[TeachForm, Form()]) -> Response:
    """Return the page after a click: with another example, one less, or another page."""
    state = change(form)
    with opened_lesson(view.resources, view.caller, document_id) as lesson:
        return _render(view, lesson, state)


@router.post("/ui/documents/{document_id}/teach/accept")
def accept(view: TheView, document_id: DocumentId, form: Annotated[TeachForm, Form()]) -> Response:
    """Accept the reading that follows from what was shown, and go to the document, which is processed again."""
    state = change(form)
    with opened_lesson(view.resources, view.caller, document_id) as lesson:
        proposal = lessons.propose_reading(view.resources, lesson, state.examples, start=state.correcting)
        accept_reading(view.resources.ledger, lesson.document.id, proposal.reading, by=view.caller.name)
    address = view.link(f"/ui/documents/{document_id}", done=done("taught", str(document_id)))
    if "hx-request" in view.request.headers:
        return Response(status_code=204, headers={**HEADERS, "HX-Redirect": address})
    return see_other(address)


@router.post("/ui/documents/{document_id}/teach/undo")
def undo(view: TheView, document_id: DocumentId, form: Annotated[Back, Form()]) -> Response:
    """Undo the reading in use, and return to the page where that was asked for, else to the document."""
    undo_teaching(view.resources, view.caller, document_id)
    page = local_page(form.back, view.link(f"/ui/documents/{document_id}"))
    return see_other(with_done(page, done("untaught")))


def _render(view: View, lesson: Lesson, state: State) -> Response:
    document = lesson.document
    known = state.start != UNTAUGHT or bool(state.examples)
    if known:
        proposal, *others = propose(view.resources, lesson, state.examples, state.correcting)
    else:
        proposal, others = None, lessons.propose_likeliest(view.resources, lesson)
    state = state._replace(page=state.page or _first_page(lesson, proposal))
    box = lesson.reading.page_boxes.get(state.page)
    if box is None:
        raise HTTPException(404, f"Page {state.page} not found, or it could not be read.")
    pictures = pictures_of_page(view.resources, lesson, state.page)
    return view.render(
        "teach.html",
        document=document,
        state=state,
        start=state.start.model_dump_json(exclude_defaults=True),
        shown=[_as_shown(lesson, each) for each in state.examples],
        modes=MODES,
        picture_modes=PICTURE_MODES,
        hints=HINTS,
        sides=SIDES,
        size=(box[2], box[3]),
        turn=page_turn(lesson, state.page),
        texts=_clickable(lesson, state),
        marks=_marks(lesson, state.page, proposal),
        pictures=click_pictures(pictures, state.page, state.examples),
        picture_marks=mark_pictures(proposal.pictures if proposal else None, state.page),
        picture_legend=MARKS,
        changes=describe_changes(proposal.pictures if proposal else None),
        proposal=proposal,
        products=lessons.count_products(view.resources, document.id),
        crops=[_crop(lesson, each, state.examples) for each in proposal.unsure] if proposal else [],
        listed=_LISTED,
        rules=describe_reading(proposal.reading) if proposal else [],
        rule_titles=RULES,
        page_count=document.page_count or lesson.reading.page_count,
        others=_others(lesson, proposal, others),
        in_use=lessons.in_use(document) is not None,
        refused=_refuse(document.options.taught, proposal),
    )


def _refuse(in_use: TaughtReading, proposal: Proposal | None) -> str:
    """Return why a proposal cannot be accepted, nothing if it can."""
    if proposal is None or proposal.reading == in_use:
        return "It is read so already."
    if proposal.reading == UNTAUGHT:
        return "Nothing is shown then: show something, or undo what was taught."
    only_pictures = proposal.reading.pictures_are_taught and not proposal.reading.names_are_taught
    return "" if proposal.names or only_pictures else "No text is a name then. Show one."


def _as_shown(lesson: Lesson, example: Example) -> ShownExample:
    page = lesson.reading.page_boxes.get(example.page)
    cutout = cut_out(example, page) if is_of_pictures(example) and page else None
    return ShownExample(example, example.model_dump_json(exclude_defaults=True), say(example), cutout)


def _others(lesson: Lesson, proposal: Proposal | None, others: Sequence[Proposal]) -> list[Choice]:
    """Return other readings on the pages where they differ most from the proposal; without one, from the present
    names. A click sends their rules.
    """
    if proposal is None:
        texts = zip(lesson.texts.texts, lesson.texts.found, strict=True)
        shown = {(each.page, each.box): each.name for each, is_name in texts if is_name}
        others = [each for each in others if changes(each)]
    else:
        shown = {(each.page, each.box): each.name for each in proposal.names}
    return [
        show(lesson, each, each.reading.rules_only.model_dump_json(exclude_defaults=True), shown=shown)
        for each in others
        if each.names
    ]


def _first_page(lesson: Lesson, proposal: Proposal | None) -> int:
    """Return the first page with names, else the first one with texts."""
    if proposal is not None and proposal.pages:
        return proposal.pages[0]
    texts = lesson.texts.texts
    named = [each.page for each, is_name in zip(texts, lesson.texts.found, strict=True) if is_name]
    return min(named or [each.page for each in texts] or [*lesson.reading.page_boxes])


def say(example: Example) -> str:
    """Return in words what an example says."""
    if is_of_pictures(example):
        return say_picture(example)
    if example.what is Shown.NAME and not example.right:
        return "not a name"
    return example.what.value if example.right else f"no {example.what.value}"


# --- boxes ------------------------------------------------------------------------------------------------------------


def _clickable(lesson: Lesson, state: State) -> list[ClickableText]:
    """Return the texts of a page to click: short ones whole, long paragraphs (or with `lines` all) line by line."""
    texts = lesson.texts.texts
    here = [(n, each) for n, each in enumerate(texts) if each.page == state.page]
    parents = {each.parent for _, each in here if each.parent is not None}
    shown = {each.box: say(each) for each in state.examples if each.page == state.page and not is_of_pictures(each)}
    divided = {n for n in parents if state.lines or _is_long(texts[n])}
    turn = page_turn(lesson, state.page)
    return [
        ClickableText(
            number=n,
            text=each.text.text,
            box=on_picture(lesson, state.page, each.box),
            value=_as_example(state.page, each.box, each.name or each.text.text),
            said=shown.get(each.box),
            one_line=len(each.text.lines) == 1 and (turn != 0 or not _stands(each)),
        )
        for n, each in here
        if (each.parent is None or each.parent in divided) and n not in divided
    ][:MOST_BOXES]


def _is_long(text: PageText) -> bool:
    return len(text.text.lines) > _LONG_LINES or len(text.text.text.split()) > _LONG_WORDS


def _stands(text: PageText) -> bool:
    """Return whether a text was printed sideways on an upright page: nobody knows where it begins."""
    x0, y0, x1, y1 = text.box
    return y1 - y0 > x1 - x0 and len(text.text.text) > _SHORT


def _as_example(page: int, box: Box, text: str, *, right: bool = True) -> str:
    words = "".join(each for each in text if each >= " ").strip()[:500].strip()
    return Example(page=page, box=box, text=words or None, right=right).model_dump_json(exclude_defaults=True)


def _marks(lesson: Lesson, page: int, proposal: Proposal | None) -> list[Mark]:
    """Return the names of a page that a reading finds, and those of present that it would lose; without a reading the
    present ones.
    """
    present = {
        each.box: each.name
        for each, is_name in zip(lesson.texts.texts, lesson.texts.found, strict=True)
        if is_name and each.page == page
    }
    if proposal is None:
        return [Mark("kept", on_picture(lesson, page, box)) for box in present]
    found = [each for each in proposal.names if each.page == page]
    marks = [Mark("new" if each.new else "kept", on_picture(lesson, page, each.box)) for each in found]
    lost = {name for name, at in proposal.lost if at == page}
    return marks + [Mark("lost", on_picture(lesson, page, box)) for box, name in present.items() if name in lost]


def _crop(lesson: Lesson, name: ProposedName, examples: Sequence[Example]) -> Crop:
    page = lesson.reading.page_boxes[name.page]
    x0, y0, x1, y1 = box = on_picture(lesson, name.page, name.box)
    width = min(max(x1 - x0 + 40, 120.0), page[2])
    height = min(max(y1 - y0 + 24, width / 4), page[3])
    left = min(max((x0 + x1 - width) / 2, 0), page[2] - width)
    top = min(max((y0 + y1 - height) / 2, 0), page[3] - height)
    return Crop(
        name=name,
        box=box,
        around=(round(left, 1), round(top, 1), round(width, 1), round(height, 1)),
        size=(page[2], page[3]),
        right=_as_example(name.page, name.box, name.name),
        wrong=_as_example(name.page, name.box, name.name, right=False),
        shown=any((each.page, each.box) == (name.page, name.box) for each in examples),
    )
