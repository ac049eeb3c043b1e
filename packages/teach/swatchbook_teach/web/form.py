"""The form of the teach page: what a person has shown so far travels in it, and what a click adds or takes back."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from swatchbook.domain.records import Example, PictureSide, Shown, TaughtReading
from swatchbook_service.parameters import RequestModel
from swatchbook_teach.web.pictures import Numbers, PictureMode, is_of_pictures, meant_by_click, measure, read_box

MOST_SHOWN: Final = 200
"""Examples that a form of the page holds."""

TextMode = Literal["name", "not", "code", "price"]
MODES: Final[Mapping[TextMode, str]] = {"name": "Name", "not": "Not a name", "code": "Code", "price": "Price"}
"""What a click says that a text is -> its words."""

_ExampleText = Annotated[str, StringConstraints(max_length=4_000)]
_Part = Annotated[str, StringConstraints(max_length=500)]
_Number = Annotated[str, StringConstraints(max_length=40)]
_Reading = Annotated[str, StringConstraints(max_length=200_000)]

_R = TypeVar("_R", Example, TaughtReading)


class TeachForm(RequestModel):
    """What was shown so far, as JSON, with the part of each text that is meant; and what is done now, one of these:
    `click` a text or a `picture`, `draw` the box of the four numbers, `say` an example, `remove` one by its place in
    the list, `go` to a page, `take` another reading.
    """

    page: int = Field(default=1, ge=1, le=1_000_000)
    mode: TextMode | PictureMode = "name"
    lines: bool = False
    example: list[_ExampleText] = Field(default=[], max_length=MOST_SHOWN + 1)
    part: list[_Part] = Field(default=[], max_length=MOST_SHOWN + 1)
    start: _Reading = "{}"
    side: PictureSide | Literal["", "found"] = ""
    click: _ExampleText = ""
    clicked: _Part = ""
    picture: _ExampleText = ""
    x0: _Number = ""
    y0: _Number = ""
    x1: _Number = ""
    y1: _Number = ""
    draw: Literal["", "true"] = ""
    say: _ExampleText = ""
    remove: int | None = None
    go: int | None = Field(default=None, ge=1, le=1_000_000)
    take: _Reading = ""

    @property
    def examples(self) -> list[Example]:
        """What was shown so far. Raises RequestValidationError."""
        shown = [_read(Example, each, "example") for each in self.example]
        return [
            each if is_of_pictures(each) else _mean(each, part, "part")
            for each, part in zip(shown, self.part, strict=False)
        ] + shown[len(self.part) :]

    @property
    def reading(self) -> TaughtReading:
        """The reading that is corrected, with the chosen side of pictures. Raises RequestValidationError."""
        start = _read(TaughtReading, self.start, "start")
        if not self.side:
            return start
        return start.model_copy(update={"side": None if self.side == "found" else self.side})


class State(NamedTuple):
    """What a person has shown so far, of which reading, and the page that is looked at. `numbers`: the box in the
    fields; `problem`: why it cannot be used.
    """

    page: int
    mode: TextMode | PictureMode
    lines: bool
    examples: tuple[Example, ...]
    start: TaughtReading
    numbers: Numbers = Numbers()
    problem: str = ""

    @property
    def correcting(self) -> TaughtReading:
        """The reading that the examples correct; what was removed from the list since does not count in it."""
        return self.start.model_copy(
            update={"examples": tuple(each for each in self.start.examples if each in self.examples)}
        )


def change(form: TeachForm) -> State:
    """Return the state of a form after what it asks for. A click on what was shown takes that back. Raises
    RequestValidationError.
    """
    examples, numbers, problem = form.examples, Numbers(form.x0, form.y0, form.x1, form.y1), ""
    if form.click:
        what = Shown(form.mode) if form.mode in ("code", "price") else Shown.NAME
        clicked = _read(Example, form.click, "click").model_copy(update={"what": what, "right": form.mode != "not"})
        clicked = _mean(clicked, form.clicked, "clicked") if form.clicked else clicked
        examples = _with(examples, clicked, takes_back=not form.clicked)
    if form.picture:
        picture = _read(Example, form.picture, "picture")
        if (meant := meant_by_click(picture, form.mode)) is None:
            numbers = measure(picture.box)
        else:
            examples = _with(examples, meant, takes_back=True)
    if form.draw:
        drawn = read_box(numbers, form.page, form.mode)
        if isinstance(drawn, Example):
            examples, numbers = _with(examples, drawn, takes_back=False), Numbers()
        else:
            problem = drawn
    if form.say:
        examples = _with(examples, _read(Example, form.say, "say"), takes_back=False)
    if form.remove is not None:
        examples = [each for number, each in enumerate(examples) if number != form.remove]
    examples = examples[-MOST_SHOWN:]
    state = State(
        page=form.go or form.page,
        mode=form.mode,
        lines=form.lines,
        examples=tuple(examples),
        start=form.reading,
        numbers=numbers,
        problem=problem,
    )
    if form.take:
        taken = _read(TaughtReading, form.take, "take")
        taken = taken.model_copy(update={"side": state.start.side, "examples": state.examples})
        state = state._replace(start=taken)
    return state


def _with(examples: Sequence[Example], new: Example, *, takes_back: bool) -> list[Example]:
    """Return the examples with one more, instead of another one at its place; or without it, if it was the same."""
    there = [each for each in examples if (each.page, each.box) == (new.page, new.box)]
    others = [each for each in examples if each not in there]
    same = any((each.what, each.right) == (new.what, new.right) for each in there)
    return others if same and takes_back else [*others, new]


def _read(kind: type[_R], text: str, field: str) -> _R:
    """Return a record of a form's field. Raises RequestValidationError."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", field)} for e in error.errors()]) from error


def _mean(example: Example, part: str, field: str) -> Example:
    """Return an example that means a part of its text, or all of it. Raises RequestValidationError."""
    return _read(Example, json.dumps(example.model_dump(mode="json") | {"text": part.strip() or None}), field)
