"""`python -m tests.recount`: how many figures were counted again, and how many are equal, by component."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from assets.sources.synthetic import write_events
from tests.conftest import Inbox
from tests.recount.logs import nasty
from tests.recount.test_recount import LAST, REAL, check, differences

ZONES = ("America/New_York", "Australia/Lord_Howe", "UTC")
FIRST = date(2024, 1, 25)


def logs(folder: Path) -> Iterator[tuple[list[str], Counter[str]]]:
    """Yield the differences and the numbers of figures of each log: made from seeds, the hostile demo's, and real ones."""
    for seed, zone in enumerate(ZONES):
        for has_previous in (True, False):
            (inbox := Inbox(folder / f"{seed}{has_previous}", zone, FIRST)).folder.mkdir()
            yield check(
                inbox, list(nasty(seed, zone, FIRST, has_previous=has_previous)), [date(2024, 3, 11), LAST]
            )
    write_events(demo := folder / "demo.csv", last_day=LAST, days=60, events=5_000, hostile=True)
    yield of_file(folder / "demo", demo, LAST - timedelta(60), LAST)
    for truth in REAL:
        source = truth.with_name(truth.name.replace(".truth.json", ".csv"))
        days = sorted(
            {line.split(",")[1][:10] for line in source.read_text(encoding="utf-8").splitlines()[1:]}
        )
        yield of_file(folder / truth.stem, source, date.fromisoformat(days[0]), date.fromisoformat(days[-1]))


def of_file(folder: Path, source: Path, first: date, last: date) -> tuple[list[str], Counter[str]]:
    (folder / "events").mkdir(parents=True)
    (path := folder / "events" / "log.csv").symlink_to(source)
    inbox = Inbox(folder, "America/New_York", first)
    inbox.load(first, last)
    inbox.build(first, last)
    return differences(inbox, [path], [last])


def main() -> None:
    """Print the table, and the first differences."""
    compared, differing = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as name:
        for found, counts in logs(Path(name)):
            compared += counts
            differing += found
    table = Table("component", "figures", "equal")
    wrong = Counter(each.split(": ")[1].partition("[")[0].partition(".")[0] for each in differing)
    for component, count in sorted(compared.items()):
        table.add_row(component, f"{count:,}", f"{count - wrong[component]:,}")
    table.add_row("all", f"{compared.total():,}", f"{compared.total() - wrong.total():,}")
    Console().print(table, *differing[:20], sep="\n")


if __name__ == "__main__":
    main()
