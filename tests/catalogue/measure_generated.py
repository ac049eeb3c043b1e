"""Measure the name groups of the generated documents and sample catalogues, on which the weights that choose names are
fitted beside the real ones: `python -m tests.catalogue.measure_generated` writes them to tests/truth/features. Then run
`python -m devtools.fit_products`. `python -m tests.catalogue.measure_generated links` measures the links of the sample
catalogues into tests/truth/links, for `python -m devtools.fit_links`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from devtools import fit_links
from devtools.evaluation.truth import LabelledProduct, Truth
from devtools.fit_products import measured_as
from devtools.measured_groups import FEATURES, Measured, keep_measured
from devtools.score_products import reading_of
from samples.generate import BUILD, LAYOUTS, build, build_layout
from tests.catalogue import layouts, leaflets, plain


def generated() -> Iterator[Measured]:
    """Measure the generated documents, and the sample catalogues."""
    for name, make in {**layouts.LAYOUTS, **leaflets.LEAFLETS, **leaflets.FLYERS, **plain.PLAIN}.items():
        document = make()
        products = [
            LabelledProduct(id=str(n), name=p.name, first_page=p.first, last_page=p.last, category=p.category)
            for n, p in enumerate(document.products)
        ]
        truth = Truth(slug=name, sha256="0" * 64, products=tuple(products))
        yield measured_as(f"generated-{name}", truth, layouts.reading(document), document.pages)
    for path in samples():
        truth = truth_of(path)
        with reading_of(path, None) as (reading, pages):
            yield measured_as(f"generated-{path.stem}", truth, reading, pages)


def samples() -> tuple[Path, ...]:
    """Make the sample catalogues."""
    return build(BUILD), build(BUILD, small=True), *(build_layout(BUILD, name) for name in LAYOUTS)


def truth_of(path: Path) -> Truth:
    """Return the labels of a sample catalogue."""
    labels = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))
    return Truth.model_validate({**labels, "sha256": "0" * 64, "slug": path.stem})


if __name__ == "__main__":
    if sys.argv[1:] == ["links"]:
        for path in samples():
            name = f"generated-{path.stem}.json"
            fit_links.write(fit_links.FEATURES / name, fit_links.measured(truth_of(path), path, None))
        sys.exit()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FEATURES
    for measured in generated():
        keep_measured(measured, folder)
        sys.stdout.write(f"{measured.name:40} the best F1 {max(measured.f1, default=0):.2f}\n")
