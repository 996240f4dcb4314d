"""Statements kept as files: `sql/<name>.sql` beside the module that runs them."""

from pathlib import Path
from string import Template


def read_sql(module_file: str, name: str, **fragments: str) -> str:
    """Return the statement *name* of the module at *module_file*, with each `${key}` replaced.

    *fragments* are SQL of our own, such as contract columns; values are bound when it runs.
    """
    path = Path(module_file).with_name("sql") / f"{name}.sql"
    return Template(path.read_text(encoding="utf-8")).safe_substitute(fragments).rstrip()
