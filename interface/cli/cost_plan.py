"""`swatchbook ingest --plan`: what would be asked and paid, as people read it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import COMPLETED, cell, clean, duration, err, out, say_failure, say_json, table, worst
from swatchbook.errors import Failure
from swatchbook.pipeline.estimate import Estimate, estimate
from swatchbook.records import IngestOptions
from swatchbook.resources import Resources


def tell_estimates(resources: Resources, files: Sequence[Path], options: IngestOptions, *, as_json: bool) -> int:
    """Tell what each file would cost. Returns the exit code; a file that fails does not keep the others waiting."""
    found, codes = list[Estimate](), [COMPLETED]
    for file in files:
        try:
            with err().status(f"reading {clean(file.name)} …"):
                found.append(estimate(resources, file, options))
        except Failure as failure:
            codes.append(say_failure(failure, file.name))
            continue
        if not as_json:
            out().print(draw(found[-1]))
    if as_json:
        say_json([each.model_dump(mode="json") | {"usd": each.usd} for each in found])
    return worst(codes)


def draw(told: Estimate) -> RenderableType:
    """One file: a line for each stage and model, and what all of it comes to."""
    counts = (
        f"{told.pages} pages · {told.products} products by layout rules · {told.images} images · {told.chunks} chunks"
    )
    head = Text.assemble((clean(told.name), "bold"), f"  {counts}")
    if not told.planned:
        return Group(head, Text("Nothing to pay: all of it is made on this machine.", "dim"))
    numbers = ("calls", "made already", "tokens in ≤", "tokens out ≤", "about", "USD ≤")
    made = table("stage", "model", *numbers, right=numbers)
    for each in told.planned:
        counted = (each.calls, each.made, each.tokens_in, each.tokens_out)
        made.add_row(
            cell(each.stage), cell(each.model), *(cell(f"{count:,}") for count in counted),
            cell(duration(each.seconds)), cell("unknown" if each.usd is None else f"{each.usd:.4f}"),
        )  # fmt: skip
    looks = any(each.stage == "review" for each in told.planned)
    weak = " Only weak pictures are looked at again: here every new one counts as weak." if looks else ""
    whole = "unknown until SWATCHBOOK_PRICES has every model" if told.usd is None else f"at most ${told.usd:.4f}"
    return Group(
        head, made, Text(f"{whole}.{weak} Calls that fail come on top; nothing was asked yet. --max-usd sets a limit.")
    )
