"""A process that a row names is read as it was written."""

from sqlalchemy import select

from swatchbook.ledger import flow_runs
from swatchbook.ledger.file_holds import begin_hold
from swatchbook.ledger.process_rows import process_of
from swatchbook.ledger.tables import file_holds
from swatchbook.resources import Resources
from swatchbook.runtime.process import here


def test_process_of_a_row_is_its_writer(resources: Resources) -> None:
    ledger = resources.ledger
    for _ in range(2):
        flow_runs.register(ledger, "a-flow-run")
    begin_hold(ledger)
    with ledger.read() as connection:
        (hold,) = connection.execute(select(file_holds)).mappings()
    assert process_of(hold) == flow_runs.registered(ledger, ["a-flow-run"])["a-flow-run"].process == here()
