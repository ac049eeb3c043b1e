"""docling's document, converted with its models (`docling-rules`) or without (`docling-native-rules`), and the rules of
`rules.py`.

Without models docling gives lines and pictures only; a line that is half as high again as most is then a heading.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from math import inf
from statistics import median
from typing import Any, Final

from benchmarks.catalogues.answers import DocumentAnswer, SystemAnswers
from benchmarks.catalogues.systems import NotRun, Task, installed_version
from benchmarks.catalogues.systems.rules import Element, make_products
from swatchbook_base.geometry import Box

_HEADINGS: Final = ("section_header", "title")
_SKIPPED: Final = ("page_header", "page_footer")
_HIGH: Final = 1.5


def about(*, models: bool = True) -> SystemAnswers:
    """Return what the file says of the system."""
    what = "layout and table models, without OCR" if models else "parser alone, without its models"
    return SystemAnswers(
        system="docling-rules" if models else "docling-native-rules",
        version=installed_version("docling"),
        about=f"docling's {what}, and the same simple rules as pymupdf4llm-rules.",
        seen={"tuning": "unseen", "aside": "unseen"},
    )


def answer(task: Task, *, models: bool = True) -> DocumentAnswer:
    """Convert a PDF, and apply the rules. Raises NotRun without docling, or if its models cannot be downloaded."""
    try:
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        result = _converter(models=models).convert(task.pdf)
    except ModuleNotFoundError as error:
        raise NotRun("it is not installed: pip install docling") from error
    except (LocalEntryNotFoundError, HfHubHTTPError) as error:
        raise NotRun("its models have to be downloaded, and could not be.") from error
    return make_products(elements_of(result.document.export_to_dict(), lines=not models))


@cache
def _converter(*, models: bool) -> Any:
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.pipeline_options import PdfPipelineOptions
    from docling.document_converter import DocumentConverter, NativePdfFormatOption, PdfFormatOption

    option = PdfFormatOption(pipeline_options=PdfPipelineOptions(do_ocr=False)) if models else NativePdfFormatOption()
    return DocumentConverter(allowed_formats=[InputFormat.PDF], format_options={InputFormat.PDF: option})


def elements_of(document: Mapping[str, Any], *, lines: bool = False) -> Iterator[Element]:
    """Yield the elements of an exported document. `lines`: it has lines without kinds."""
    placed = [(item, *place) for item in _items(document, document["body"]) if (place := _place(document, item))]
    heights = [box[3] - box[1] for item, _, box in placed if item["label"] == "text"]
    high = _HIGH * median(heights) if lines and heights else inf
    for item, page, box in placed:
        label, text = item["label"], " ".join(item.get("text", "").split())
        if label == "picture":
            yield Element("picture", page, "", box)
        elif label == "table":
            for row in item["data"]["grid"]:
                yield Element("row", page, "\t".join(dict.fromkeys(cell["text"] for cell in row)), box)
        elif text and label not in _SKIPPED:
            bold = bool((item.get("formatting") or {}).get("bold"))
            is_heading = label in _HEADINGS or bold or box[3] - box[1] >= high
            yield Element("heading" if is_heading else "text", page, text, box)


def _items(document: Mapping[str, Any], parent: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the items below another in the order in which they are read, but none of those within pictures."""
    for child in parent["children"]:
        _, kind, number = child["$ref"].split("/")
        item = document[kind][int(number)]
        yield item
        if item["label"] != "picture":
            yield from _items(document, item)


def _place(document: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[int, Box] | None:
    """Return the page of an item, and its box in points from the top left."""
    if not item.get("prov"):
        return None
    number, box = item["prov"][0]["page_no"], item["prov"][0]["bbox"]
    top, bottom = box["t"], box["b"]
    if box["coord_origin"] == "BOTTOMLEFT":
        height = document["pages"][str(number)]["size"]["height"]
        top, bottom = height - top, height - bottom
    return (number, (box["l"], top, box["r"], bottom)) if box["l"] < box["r"] and top < bottom else None
