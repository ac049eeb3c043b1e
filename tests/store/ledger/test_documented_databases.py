"""The SQL of docs/servers.md makes roles and databases that the ledger can be opened in, each only by its own role."""

import re
from pathlib import Path

import psycopg
import pytest

from swatchbook.store.ledger.database import open_ledger
from tests.fixtures import ROOT
from tests.postgres import HOST, running_postgres

pytestmark = pytest.mark.stack


def test_documented_sql_makes_the_databases(tmp_path: Path) -> None:
    (sql,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "servers.md").read_text(), re.DOTALL)
    with running_postgres(tmp_path) as server:
        with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
            for statement in filter(str.strip, sql.split(";")):
                connection.execute(statement)
        address = f"postgresql+psycopg://swatchbook:choose%20one@{HOST}:{server.port}/swatchbook"
        open_ledger(address).close()
        theirs = f"postgresql://swatchbook:choose%20one@{HOST}:{server.port}/prefect"
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(theirs)
