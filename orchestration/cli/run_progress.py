"""The progress of `run`, on the standard error output: one live line on a terminal, otherwise log lines.

Show here what a run is doing and how long it took. Its results belong in `run_summary.py`.
"""

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from traceback import format_exception
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from assets.extract.input_summary import count_text
from assets.runtime.storage_errors import explain
from orchestration.cli.messages import printable
from orchestration.pipeline import Progress, Stage, Update

_SECONDS_BETWEEN_LINES = 10
_UNITS = {Stage.LOAD: "day", Stage.BUILD: "day", Stage.RENDER: "report"}
_DONE = {Stage.LOAD: "Loaded", Stage.BUILD: "Built", Stage.RENDER: "Rendered"}


class Verbosity(IntEnum):
    """How much a run prints: errors only, its steps, or every detail."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


def verbosity_of(*, quiet: bool, verbose: bool) -> Verbosity:
    """Return the verbosity that the options choose."""
    return Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL


class LogStyle(Enum):
    """How an event is printed: for people, as a line with time and level, or as a JSON object on a line."""

    PLAIN = "plain"
    LINES = "lines"
    JSON = "json"


@dataclass(slots=True)
class _Figures:
    """The days or reports of a stage, its rows and its duration; a `total` of 0 is unknown."""

    stage: Stage
    text: str = ""
    total: int = 0
    done: int = 0
    rows: int = 0
    seconds: float = 0.0


class RunProgress:
    """Shows the updates of a run and measures its stages; a context manager for the time of the run."""

    def __init__(self, verbosity: Verbosity, style: LogStyle | None = None) -> None:
        self._console = Console(stderr=True)
        self._verbosity = verbosity
        lines = not self._console.is_terminal or verbosity is Verbosity.VERBOSE
        self._style = style or (LogStyle.LINES if lines else LogStyle.PLAIN)
        self._started = self._stage_started = self._last_line = time.monotonic()
        self._slug = ""
        self._current: _Figures | None = None
        self._sums = {stage: _Figures(stage) for stage in Stage}
        self._errors = set[tuple[str, str]]()
        self._spinner = Spinner("dots")
        is_live = self._style is LogStyle.PLAIN and verbosity is Verbosity.NORMAL
        self._live = (
            Live(
                console=self._console, get_renderable=self._render_line, transient=True, refresh_per_second=8
            )
            if is_live
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._end_stage()
        if self._live:
            self._live.stop()

    def of(self, slug: str) -> Progress:
        """Return what the pipeline calls while it works on the workspace *slug*."""
        self._end_stage()
        self._slug = slug
        return self._update

    def error(self, text: str, slug: str = "") -> None:
        """Print an error of the workspace *slug*, unless the same was printed before."""
        if (slug, text) not in self._errors:
            self._errors.add((slug, text))
            self._print("ERROR", text, Verbosity.QUIET, slug)

    def event(self, level: str, text: str, slug: str = "") -> None:
        """Print an event of the workspace *slug*."""
        if level == "ERROR":
            self.error(text, slug)
        else:
            self._print(level, text, Verbosity.NORMAL, slug)

    def failure(self, slug: str, error: Exception) -> int:
        """Print why the workspace *slug* failed, a bug with its traceback; return the exit code."""
        expected = explain(error)
        self.error(str(expected or "".join(format_exception(error))), slug)
        return expected.exit_code if expected else 1

    def finish(self, exit_code: int) -> None:
        """Print durations and rates."""
        for figures in self._sums.values():
            if figures.done:
                self._print("INFO", _stage_text(figures), Verbosity.NORMAL)
        ending = f", exit code {exit_code}" if exit_code else ""
        text = f"Finished in {_duration(time.monotonic() - self._started)}{ending}"
        self._print("INFO", text, Verbosity.NORMAL)

    def _update(self, update: Update) -> None:
        if update.is_error:
            self.error(update.text, self._slug)
            return
        if update.total is not None:
            self._end_stage()
            self._stage_started = time.monotonic()
            self._current = _Figures(update.stage, update.text, update.total)
        if self._current:
            self._current.done += update.done
            self._current.rows += update.rows
        if update.text and not self._live:
            self._print("INFO", update.text, Verbosity.NORMAL, self._slug)
        elif self._current and update.stage is Stage.LOAD and not self._live:
            self._print_state(self._current, is_step=bool(update.done))

    def _print_state(self, current: _Figures, *, is_step: bool) -> None:
        """Print how far a load is: every ten seconds, and at each step if every detail is wanted."""
        is_due = time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES
        if is_due or is_step:
            wanted = Verbosity.NORMAL if is_due else Verbosity.VERBOSE
            self._last_line = time.monotonic()
            self._print("INFO", f"{current.text}: {_state_text(current)}", wanted, self._slug)

    def _end_stage(self) -> None:
        """Add the figures of the current stage to the sums."""
        if self._current:
            sums = self._sums[self._current.stage]
            sums.done += self._current.done
            sums.rows += self._current.rows
            sums.seconds += time.monotonic() - self._stage_started
            self._current = None

    def _render_line(self) -> Spinner:
        parts = [self._slug]
        if current := self._current:
            parts += [current.text, _state_text(current)]
        parts.append(_duration(time.monotonic() - self._started))
        line = " · ".join(filter(None, parts))
        self._spinner.update(text=Text(line, no_wrap=True, overflow="ellipsis"))
        return self._spinner

    def _print(self, level: str, text: str, wanted: Verbosity, slug: str = "") -> None:
        """Print an event if the verbosity is at least *wanted*."""
        if self._verbosity < wanted:
            return
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if self._style is LogStyle.JSON:
            event = {"time": now, "level": level, "workspace": slug or None, "text": printable(text)}
            sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
            sys.stdout.flush()
            return
        text = f"{slug}: {text}" if slug else text
        if self._style is LogStyle.LINES:
            text = f"{now} {level} {' | '.join(text.splitlines())}"
        elif level == "ERROR":
            text = f"error: {text}"
        style = "red" if level == "ERROR" else ""
        self._console.print(Text(printable(text), style), soft_wrap=True)


def _state_text(figures: _Figures) -> str:
    """Return how far a stage is: "31 of 60 days, 20,106 rows"; empty at its beginning."""
    unit = _UNITS[figures.stage]
    of = f"{figures.done:,} of " if figures.total else ""
    done = f"{of}{count_text(figures.total or figures.done, unit)}" if figures.done else ""
    return ", ".join(filter(None, (done, count_text(figures.rows, "row") if figures.rows else "")))


def _stage_text(figures: _Figures) -> str:
    """Return the sums of a stage with its rate: "Loaded 60 days, 20,106 rows in 1.7 s (11,827 rows/s)"."""
    text = f"{_DONE[figures.stage]} {count_text(figures.done, _UNITS[figures.stage])}"
    seconds = _duration(figures.seconds)
    if not figures.rows:
        return f"{text} in {seconds}"
    rate = figures.rows / max(figures.seconds, 0.001)
    return f"{text}, {count_text(figures.rows, 'row')} in {seconds} ({rate:,.0f} rows/s)"


def _duration(seconds: float) -> str:
    """Return a duration in words: "1.7 s", "2 min 5 s"."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"
