"""Buffers of rows per local day while a source is read: in memory, and past a limit in temporary files."""

from collections import defaultdict
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

_HELD_BYTES = 32 << 20


class DayBuffers:
    """Batches of one *schema*, each of one day; they are returned by day."""

    def __init__(self, schema: pa.Schema) -> None:
        self.counts: dict[date, int] = defaultdict(int)
        self._schema = schema
        self._held: dict[date, list[pa.RecordBatch]] = defaultdict(list)
        self._held_bytes = 0
        self._written: dict[date, list[tuple[pa.RecordBatchFileReader, int]]] = defaultdict(list)
        self._files = ExitStack()
        self._folder: Path | None = None

    def close(self) -> None:
        """Remove the temporary files."""
        self._files.close()

    def add(self, day: date, rows: pa.RecordBatch) -> None:
        """Buffer *rows* of *day*."""
        self.counts[day] += rows.num_rows
        self._held[day].append(rows)
        self._held_bytes += rows.nbytes
        if self._held_bytes > _HELD_BYTES:
            self._flush_largest()

    def take(self, day: date) -> pa.Table:
        """Return the rows of *day* in the order in which they were added, and drop them."""
        written = (reader.get_batch(number) for reader, number in self._written.pop(day, []))
        return pa.Table.from_batches([*written, *self._held.pop(day, [])], self._schema)

    def _flush_largest(self) -> None:
        if self._folder is None:
            self._folder = Path(self._files.enter_context(TemporaryDirectory(prefix="events-")))
        path = self._folder / "rows.arrow"
        held = [(day, rows) for day, batches in self._held.items() for rows in batches]
        # An Arrow file has one dictionary per column.
        batches = pa.Table.from_batches(rows for _, rows in held).unify_dictionaries().to_batches()
        with pa.ipc.new_file(path, self._schema) as file:
            for rows in batches:
                file.write(rows)
        reader = pa.ipc.open_file(self._files.enter_context(pa.OSFile(str(path))))
        path.unlink()  # the open descriptor keeps it until this process ends
        for number, (day, _) in enumerate(held):
            self._written[day].append((reader, number))
        self._held.clear()
        self._held_bytes = 0
