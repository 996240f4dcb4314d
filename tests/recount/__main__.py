"""`python -m tests.recount`: how many figures were counted again, and how many are equal, by component."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.recount.cases import Case
from tests.recount.test_recount import REAL, ZONES, demo_case, nasty_case, real_case


def cases(folder: Path) -> Iterator[Case]:
    """Yield logs made from seeds, the hostile demo's, and the real ones that stand beside the project."""
    for seed, zone in enumerate(ZONES):
        for has_previous in (True, False):
            yield nasty_case(seed, zone, has_previous=has_previous)
    yield demo_case(folder)
    yield from map(real_case, REAL)


def main() -> None:
    """Print the table, and for each log that gives a difference the smallest one that does."""
    compared, wrong, reproductions = Counter[str](), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as name:
        for number, case in enumerate(cases(Path(name))):
            found, counts = case.recount(folder := Path(name) / str(number))
            compared += counts
            wrong += Counter(each.component for each in found)
            if found:
                reproductions.append(case.smallest(folder, found[0]))
    table = Table("component", "figures", "equal")
    for component, count in sorted(compared.items()):
        table.add_row(component, f"{count:,}", f"{count - wrong[component]:,}")
    table.add_row("all", f"{compared.total():,}", f"{compared.total() - wrong.total():,}")
    Console().print(table)
    print(*reproductions, sep="\n\n")  # noqa: T201 - as it is, to be pasted


if __name__ == "__main__":
    main()
