"""From an older schema to the newest, forward only.

A new version changes `schema.py`, raises its `VERSION` and appends one step here. A step is handed a connection inside
the transaction that also raises the version, so a store is of one version or the next, never between two. A column
that is added to a table with seals is `UNSEALED`, or the step seals every row anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, inspect, select, text

from ..errors import StoreError
from . import schema

Step = Callable[[Connection], None]


def _say_where_labels_are_from(connection: Connection) -> None:
    """To 2: an exported label is to say what it stood in."""
    for name in ("item", "title", "language"):
        connection.execute(text(f"ALTER TABLE {schema.labels.name} ADD COLUMN {name} TEXT NOT NULL DEFAULT ''"))


STEPS: Sequence[Step] = (_say_where_labels_are_from,)  # STEPS[0] leads from version 1 to 2
_LOCK = 0x66656564  # number of PostgreSQL's advisory lock, so that of several proxies one migrates


class NewerSchemaError(StoreError):
    """The tables were written by a newer feedclean."""


class WrongSchemaError(Exception):
    """The tables are not those of the version they claim to be."""


def migrate(connection: Connection, steps: Sequence[Step] | None = None) -> None:
    """Bring the tables to the newest version; create them where there are none.

    Raises:
        NewerSchemaError: they were written by a newer feedclean.
        WrongSchemaError: they are not ours.
    """
    steps = STEPS if steps is None else steps
    newest = len(steps) + 1
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    tables = set(inspect(connection).get_table_names())
    if not tables:
        schema.metadata.create_all(connection)
        connection.execute(schema.version.insert().values(version=newest))
        return
    if schema.version.name not in tables:
        raise WrongSchemaError("it holds tables of something else")
    found = connection.execute(select(schema.version.c.version)).scalars().all()
    if len(found) != 1 or not isinstance(found[0], int) or found[0] < 1:
        raise WrongSchemaError(f"its schema version is {found[:3]}")
    if found[0] > newest:
        raise NewerSchemaError(
            f"its schema version is {found[0]}, this feedclean knows {newest}",
            hint="update feedclean, or name another store",
        )
    for step in steps[found[0] - 1 :]:
        step(connection)
    if found[0] < newest:
        connection.execute(schema.version.update().values(version=newest))
    _check(connection)


def _check(connection: Connection) -> None:
    """Compare the tables that are there with those that should be."""
    seen = inspect(connection)
    for table in schema.metadata.sorted_tables:
        there = {column["name"] for column in seen.get_columns(table.name)} if seen.has_table(table.name) else set()
        missing = [column.name for column in table.columns if column.name not in there]
        if missing:
            raise WrongSchemaError(f"its table {table.name!r} lacks {', '.join(map(repr, missing[:3]))}")
