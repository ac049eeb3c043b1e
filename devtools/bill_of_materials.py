"""Write what the images contain: a bill of materials (CycloneDX) for each variant, and the list of licences.

`python -m devtools.bill_of_materials` (`make sbom`) writes build/sbom-light.json, build/sbom-models.json and
build/licences.md from the lock and the metadata of the installed packages. It fails with each
package whose licence is unknown, or not allowed by devtools/licences.toml.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Final

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import ExpressionError, LicenseSymbol, LicenseWithExceptionSymbol, get_spdx_licensing
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devtools.generated_pages import ROOT
from devtools.lock import LOCK, up_to

VARIANTS: Final[Mapping[str, str]] = {"light": "image", "models": "models"}
"""Variant of the image -> the last section of the lock that it has."""

RULES: Final[Mapping[str, Any]] = tomllib.loads((ROOT / "devtools" / "licences.toml").read_text())
PROJECT: Final[Mapping[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TARGET: Final = ROOT / "build"

_SPDX: Final = get_spdx_licensing()


@dataclass(frozen=True)
class Package:
    """A pinned package; `licence` is an SPDX expression, empty where it is unknown; `hashes` are those of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]
    licence: str


def read_lock(text: str) -> list[Package]:
    """Return the packages of a lock that this Python and machine install, with the licence of each."""
    found = []
    for block in re.split(r"\n(?=\S)", re.sub(r"\\\n|\n +#.*", " ", text)):
        pinned, *hashes = re.split(r"\s+--hash=sha256:", block.strip())
        if not pinned or pinned.startswith("#"):
            continue
        requirement = Requirement(pinned)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        (version,) = (each.version for each in requirement.specifier)
        name = canonicalize_name(requirement.name)
        found.append(Package(name, version, tuple(hashes), licence_of(name)))
    return found


def licence_of(name: str) -> str:
    """Return the SPDX expression of a package's licence; empty if neither licences.toml nor its metadata name one."""
    for pattern, expression in RULES["packages"].items():
        if fnmatch(name, pattern):
            return str(expression)
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    (written, *_) = told.get_all("License-Expression") or told.get_all("License") or [""]
    beginning = "License :: OSI Approved :: "
    classifiers = [each for each in told.get_all("Classifier") or [] if each.startswith(beginning)]
    classified = {expression_of(each.removeprefix(beginning)) for each in classifiers}
    return expression_of(written) or " AND ".join(sorted(classified - {""}))


def expression_of(written: str) -> str:
    """Return the SPDX expression of what a package writes as its licence; empty if it names no licence.

    Only the first line is read, because some packages write the whole text of the licence.
    """
    line = written.strip().partition("\n")[0].strip()
    expression = RULES["words"].get(line.lower(), line)
    if not expression:
        return ""
    try:
        return str(_SPDX.parse(expression, validate=True))
    except ExpressionError:
        return expression if re.fullmatch(r"LicenseRef-[\w.-]+", expression) else ""


def is_allowed(expression: str, allowed: Iterable[str]) -> bool:
    """Return whether an SPDX expression can be met with allowed licences: each part of AND, one part of OR."""
    known = set(allowed)
    tree = _SPDX.parse(expression)

    def holds(part: Any) -> bool:
        if isinstance(part, LicenseWithExceptionSymbol):
            return part.license_symbol.key in known and part.exception_symbol.key in known
        if isinstance(part, LicenseSymbol):
            return part.key in known
        return (any if part.operator.strip() == "OR" else all)(map(holds, part.args))

    return holds(tree)


def problems(variant: str, packages: Iterable[Package]) -> list[str]:
    """Return a sentence for each package whose licence is unknown or not allowed in a variant of the image."""
    allowed = [*RULES["allowed"], *(RULES["allowed_in_models"] if variant == "models" else ())]
    return [
        f"{each.name} {each.version} ({variant}): its licence "
        + (f"{each.licence} is not allowed." if each.licence else "is unknown.")
        for each in packages
        if not each.licence or not is_allowed(each.licence, allowed)
    ]


def bill(variant: str, packages: Iterable[Package]) -> str:
    """Return a variant's bill of materials as CycloneDX JSON. Raises ValueError if that does not match its schema."""
    root = Component(
        name=f"{PROJECT['name']}-{variant}",
        version=PROJECT["version"],
        type=ComponentType.CONTAINER,
        bom_ref=f"{PROJECT['name']}-{variant}",
        licenses=[LicenseExpression(PROJECT["license"])],
    )
    components = [_component(each) for each in packages]
    listed = Bom(components=components)
    listed.metadata.component = root
    listed.register_dependency(root, components)
    written: str = JsonV1Dot6(listed).output_as_string(indent=2)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(written):
        raise ValueError(f"The bill of materials does not match the schema of CycloneDX: {wrong}")
    return written


def _component(package: Package) -> Component:
    url = PackageURL("pypi", name=package.name, version=package.version)
    files = [HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.hashes]
    comment = "The hashes are those of the files that the lock allows."
    return Component(
        name=package.name,
        version=package.version,
        purl=url,
        bom_ref=str(url),
        licenses=[LicenseExpression(package.licence)] if package.licence else [],
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(url)), comment=comment, hashes=files
            )
        ],
    )


def licence_list(packages_of: Mapping[str, Sequence[Package]]) -> str:
    """Return the licences of all variants as a Markdown table."""
    variants: dict[Package, list[str]] = {each: [] for packages in packages_of.values() for each in packages}
    for variant, packages in packages_of.items():
        for each in packages:
            variants[each].append(variant)
    rows = [
        f"| {each.name} | {each.version} | {each.licence or 'unknown'} | {', '.join(names)} |\n"
        for each, names in sorted(variants.items(), key=lambda pair: pair[0].name)
    ]
    return "".join(("| package | version | licence | in the image |\n", "| --- | --- | --- | --- |\n", *rows))


def main() -> int:
    """Write the files into build/; return 1 with the reasons when a licence is unknown or not allowed."""
    TARGET.mkdir(exist_ok=True)
    packages_of = {variant: read_lock(up_to(section, LOCK.read_text())) for variant, section in VARIANTS.items()}
    for variant, packages in packages_of.items():
        (TARGET / f"sbom-{variant}.json").write_text(bill(variant, packages))
    (TARGET / "licences.md").write_text(licence_list(packages_of))
    wrong = [each for variant, packages in packages_of.items() for each in problems(variant, packages)]
    print("\n".join(wrong) or f"{', '.join(f'{name}: {len(found)} packages' for name, found in packages_of.items())}.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
