from inspect import signature

from swatchbook.catalogue_reader import CatalogueReader, catalogue_reader


def test_library_has_what_the_core_asks_of_it() -> None:
    reader = catalogue_reader()
    assert set(reader.RECIPES) == {"scan", "discover", "describe"}
    for name, asked in vars(CatalogueReader).items():
        if not name.startswith("_") and callable(asked):
            _, *wanted = signature(asked).parameters.values()
            there = [*signature(getattr(reader, name)).parameters.values()][: len(wanted)]
            assert [(each.name, each.kind) for each in there] == [(each.name, each.kind) for each in wanted], name
