"""A day of ten thousand workspaces on farms of several sizes, simulated. `python -m benchmarks.simulate`.

What a run costs is measured (docs/farm.json, docs/benchmarks.json); who falls due when follows from zones in
proportion to where businesses are, and sizes as skewed as inboxes are: half of the workspaces have fewer
than sixty assignments a day, one in a hundred has more than four thousand.
"""

import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

PLOT = Path("docs/scaling.svg")
COUNT = 10_000
DAY = date(2026, 11, 18)
FARMS = (16, 32, 64, 128)
ZONES = {
    "America/New_York": 14, "America/Chicago": 9, "America/Los_Angeles": 8, "America/Sao_Paulo": 9,
    "America/Mexico_City": 6, "America/Bogota": 4, "Europe/London": 8, "Europe/Berlin": 11,
    "Europe/Istanbul": 4, "Africa/Lagos": 3, "Asia/Dubai": 4, "Asia/Kolkata": 7, "Asia/Jakarta": 5,
    "Asia/Kuala_Lumpur": 4, "Asia/Shanghai": 3, "Australia/Sydney": 1,
}  # fmt: skip
MEDIAN_EVENTS, SPREAD, MOST_EVENTS = 60, 1.8, 200_000
EVENTS_A_SECOND = 100_000  # loading and building, of the three days that are read again
REPORTS = 6  # of the seven presets, due each day
COUNTED_A_SECOND = 2_000_000  # events that a report over thirty days counts
LAUNCHED_A_SECOND = 6  # runs that Dagster's daemon creates and takes from its queue; measured
PRICE_A_CORE_HOUR = 0.04  # US dollars, compute-optimised on demand
GIGABYTES_A_RUN = 0.6


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of one core that a run takes beside its own work."""

    start: float
    load: float
    report: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run that falls due *at* a second of the UTC day, and takes so many *seconds* of a core."""

    at: float
    seconds: float
    is_report: bool


def runs(costs: Costs, seed: int = 1) -> list[Run]:
    """Return every run of a day: of each workspace its nightly load, its reports and their delivery."""
    random = np.random.default_rng(seed)
    weights = np.array(list(ZONES.values()), float)
    zones = random.choice(list(ZONES), COUNT, p=weights / weights.sum())
    events = np.minimum(random.lognormal(np.log(MEDIAN_EVENTS), SPREAD, COUNT), MOST_EVENTS)
    noise = random.lognormal(0, 0.25, (COUNT, 2))
    found = []
    for zone, count, (early, late) in zip(zones, events, noise, strict=True):
        work = count * 3 / EVENTS_A_SECOND
        load = costs.start + costs.load + work
        report = costs.start + REPORTS * (costs.report + count * 30 / COUNTED_A_SECOND)
        found += [
            Run(_second(time(0, 20), zone), load * early, is_report=False),
            Run(_second(time(6), zone), report * late, is_report=True),
        ]
    return sorted(found, key=lambda run: run.at)


def _second(local: time, zone: str) -> float:
    at = datetime.combine(DAY, local, ZoneInfo(zone)).astimezone(UTC)
    return (at - datetime.combine(at.date(), time(0), UTC)) / timedelta(seconds=1)


def simulate(day: Sequence[Run], cores: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how long each report took from due to archived, and the length of the queue each minute."""
    free = [0.0] * cores
    launcher = 0.0
    began, waits = [], []
    for run in day:
        launcher = max(launcher, run.at) + 1 / LAUNCHED_A_SECOND
        start = max(heapq.heappop(free), launcher)
        heapq.heappush(free, start + run.seconds)
        began.append(start)
        if run.is_report:
            waits.append(start + run.seconds - run.at)
    minutes = np.arange(0, 86_400, 60)
    due = np.searchsorted([run.at for run in day], minutes, side="right")
    taken = np.searchsorted(np.sort(began), minutes, side="right")
    return np.array(waits), due - taken


def main() -> None:
    """Simulate each farm; print a table and draw the queues."""
    said = json.loads(Path("docs/farm.json").read_text())
    costs = Costs(said["start of a run"], said["a small load"], said["a report"])
    day = runs(costs)
    hours = sum(run.seconds for run in day) / 3600
    busiest = max(np.bincount([int(run.at // 3600) for run in day if run.is_report]))
    print(f"{len(day):,} runs, {hours:.0f} core hours; {busiest:,} workspaces fall due in the busiest hour")
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    queue, wait = figure.subplots(1, 2)
    for cores in FARMS:
        waits, length = simulate(day, cores)
        median, most = np.percentile(waits, [50, 99]) / 60
        cost = cores * 24 * 30 * PRICE_A_CORE_HOUR
        print(
            f"{cores:4} cores, {cores * GIGABYTES_A_RUN:4.0f} GB: busy {hours / 24 / cores:4.0%}, "
            f"queue at most {length.max():5,}, from due to archived {median:6.1f} min, "
            f"99 % in {most:6.1f}, {cost:7,.0f} dollars a month"
        )
        queue.plot(np.arange(1440) / 60, length, label=f"{cores} cores")
        wait.plot(np.sort(waits) / 60, np.linspace(0, 100, len(waits)), label=f"{cores} cores")
    queue.set(xlabel="hour of the day, UTC", ylabel="runs that wait", xlim=(4, 14), ylim=(0, None))
    wait.set(xlabel="minutes from due to archived", ylabel="% of the reports", xscale="log", ylim=(0, 100))
    wait.xaxis.set_major_formatter("{x:g}")
    for axes in (queue, wait):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    with mpl.rc_context({"svg.hashsalt": "scaling"}):
        figure.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    main()
