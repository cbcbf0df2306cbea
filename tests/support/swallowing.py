"""Triggers and rules of an operator's own that swallow the rows of one user, "x", without an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

# By the kind of the database and what happens to the row. "{t}" is the table.
_WAYS = {
    ("postgresql", "rule"): ["CREATE RULE s AS ON INSERT TO {t} WHERE NEW.user_id = 'x' DO INSTEAD NOTHING"],
    ("postgresql", "before"): [
        "CREATE FUNCTION swallow_{t}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.user_id = 'x' THEN RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER s BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION swallow_{t}()",
    ],
    ("postgresql", "after"): [
        "CREATE FUNCTION swallow_{t}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN DELETE FROM {t} WHERE user_id = 'x'; RETURN NULL; END $$",
        "CREATE TRIGGER s AFTER INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION swallow_{t}()",
    ],
    ("sqlite", "before"): [
        "CREATE TRIGGER s BEFORE INSERT ON {t} WHEN NEW.user_id = 'x' BEGIN SELECT RAISE(IGNORE); END"
    ],
    ("sqlite", "after"): [
        "CREATE TRIGGER s AFTER INSERT ON {t} WHEN NEW.user_id = 'x'"
        " BEGIN DELETE FROM {t} WHERE message_id = NEW.message_id; END"
    ],
    # No trigger of theirs can leave a row out, but one can give it a key that is there.
    ("mariadb", "key"): [
        "CREATE TRIGGER swallow_{t} BEFORE INSERT ON {t} FOR EACH ROW"
        " IF NEW.user_id = 'x' THEN SET NEW.message_id = 'first'; END IF"
    ],
}
# The table is another one, or has none of its own for each test.
_UNDONE = {
    "rule": ["DROP RULE s ON {t}"],
    "before": ["DROP TRIGGER s ON {t}", "DROP FUNCTION swallow_{t}"],
    "after": ["DROP TRIGGER s ON {t}", "DROP FUNCTION swallow_{t}"],
    "key": ["DROP TRIGGER swallow_{t}"],
}

#: For a test with the fixtures ``server``, which is given the kind, and ``way``.
each_way = pytest.mark.parametrize(("server", "way"), list(_WAYS), indirect=True)


def swallow(run: Callable[[str], object], kind: str, way: str, table: str) -> None:
    """Make the rows of "x" vanish in *way*."""
    for statement in _WAYS[kind, way]:
        run(statement.format(t=table))


def stop_swallowing(run: Callable[[str], object], kind: str, way: str, table: str) -> None:
    """Undo :func:`swallow`."""
    for statement in ["DROP TRIGGER s"] if kind == "sqlite" else _UNDONE[way]:
        run(statement.format(t=table))
