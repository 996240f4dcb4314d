"""What a user would write in an afternoon instead: pandas, pyplot, Jinja2 and WeasyPrint, one script.

yardstick.py report URL TABLE ROWS OUT [PRESET]   the presets as HTML and PDF, the first ROWS of the log in each
yardstick.py extract URL TABLE OUT         the whole table into a Parquet file
yardstick.py extract_file FILE OUT         the same from a CSV, NDJSON or Parquet file
yardstick.py extract_csv_files FOLDER OUT  the same from the CSV files of a folder
yardstick.py build FILE OUT                a Parquet file's events as a log by day, and counted by day and source
yardstick.py csv|xlsx|pdf FILE OUT         the printed rows of a Parquet file as another file
"""

import io
import json
import sys
import time
from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

ZONE, TODAY = "America/New_York", "2025-12-30"
PAGE = """<!doctype html><meta charset="utf-8"><title>{{ name }}</title><style>
@page { size: A4 landscape; margin: 12mm; @bottom-right { content: counter(page) " / " counter(pages) } }
body { font: 9pt "Noto Sans", sans-serif } table { width: 100%; border-collapse: collapse; font-size: 8pt }
th { background: #eef; text-align: left } td, th { padding: 1.5pt 3pt; border-bottom: .4pt solid #ccc }
img { width: 48% }</style>
<h1>Contact assignments: {{ name }}</h1><p>{{ first }} to {{ last }}</p><p>{{ total }}</p>{% for each in charts %}
<img src="data:image/png;base64,{{ each }}">{% endfor %}
<table><thead><tr>{% for each in header %}<th>{{ each }}</th>{% endfor %}</tr></thead><tbody>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>"""


def spans() -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the seven presets: from the first day's midnight to before the last one's."""
    today, day = pd.Timestamp(TODAY, tz=ZONE), pd.DateOffset(days=1)
    month = today.replace(day=1)
    ends = {f"last_{n}_days": (today - pd.DateOffset(days=n), today) for n in (7, 14, 30)}
    return {
        "today": (today, today + day),
        "yesterday": (today - day, today),
        "this_month": (month, today + day),
        "last_month": (month - pd.DateOffset(months=1), month),
        **ends,
    }


def report(url: str, table: str, rows: str, out: str, *names: str) -> None:
    """Write the presets of *names*, or all seven."""
    import matplotlib as mpl  # noqa: PLC0415 - as the others, where it is used

    mpl.use("Agg")
    import sqlalchemy as sa  # noqa: PLC0415
    from jinja2 import Environment  # noqa: PLC0415
    from weasyprint import HTML  # noqa: PLC0415

    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    events = pd.read_sql(sa.text(f"SELECT * FROM {table}"), sa.create_engine(url))
    events.to_parquet(folder / "events.parquet", index=False)
    events["local"] = pd.to_datetime(events["occurred_at"], utc=True).dt.tz_convert(ZONE)
    events["day"] = events["local"].dt.date
    counts = events.groupby(["day", "source"]).size().unstack(fill_value=0)
    events = events.sort_values("occurred_at")
    page = Environment(autoescape=True).from_string(PAGE)
    for name, (first, end) in spans().items():
        if names and name not in names:
            continue
        chosen = events[(events["local"] >= first) & (events["local"] < end)]
        days = counts[(counts.index >= first.date()) & (counts.index < end.date())]
        shown = chosen.head(int(rows)).assign(
            local=lambda each: each["local"].dt.strftime("%Y-%m-%d %H:%M:%S")
        )
        shown = shown.drop(columns=["occurred_at", "day"]).fillna("")
        html = page.render(
            name=name, first=first, last=end, total=len(chosen), header=shown.columns,
            charts=[_picture(days, "bar"), _picture(chosen["source"].value_counts(), "pie")],
            rows=shown.itertuples(index=False),
        )  # fmt: skip
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
        HTML(string=html).write_pdf(folder / f"{name}.pdf")


def _picture(counts: Any, kind: str) -> str:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 3.2))
    if kind == "bar":
        counts.plot.bar(stacked=True, ax=axes)
    else:
        axes.pie(counts, labels=counts.index, autopct="%1.1f%%", wedgeprops={"width": 0.4})
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return b64encode(buffer.getvalue()).decode()


def extract(url: str, table: str, out: str) -> None:
    """Copy a table into a Parquet file."""
    import sqlalchemy as sa  # noqa: PLC0415

    events = pd.read_sql(sa.text(f"SELECT * FROM {table}"), sa.create_engine(url))
    events["occurred_at"] = pd.to_datetime(events["occurred_at"], utc=True, format="ISO8601")
    events.to_parquet(out, index=False)


def extract_file(file: str, out: str) -> None:
    """Copy a CSV, NDJSON or Parquet file into a Parquet file."""
    readers: dict[str, Any] = {
        ".csv": pd.read_csv,
        ".ndjson": partial(pd.read_json, lines=True),
        ".parquet": pd.read_parquet,
    }
    events = readers[Path(file).suffix](file)
    events["occurred_at"] = pd.to_datetime(events["occurred_at"], utc=True, format="ISO8601")
    events.to_parquet(out, index=False)


def extract_csv_files(folder: str, out: str) -> None:
    """Copy the CSV files of a folder into a Parquet file."""
    events = pd.concat([pd.read_csv(file) for file in sorted(Path(folder).glob("*.csv"))])
    events["occurred_at"] = pd.to_datetime(events["occurred_at"], utc=True, format="ISO8601")
    events.to_parquet(out, index=False)


def build(file: str, out: str) -> None:
    """Write the log, a folder a day, and the counts by day and source."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    events = pd.read_parquet(file).drop_duplicates("event_id")
    events["day"] = events["occurred_at"].dt.tz_convert(ZONE).dt.date
    events = events.sort_values(["occurred_at", "event_id"])
    events["action"] = "reassigned"
    events.loc[events["previous_assignee_name"].isna(), "action"] = "assigned"
    events.loc[events["assignee_name"].isna(), "action"] = "unassigned"
    events.to_parquet(folder / "log", partition_cols=["day"], index=False)
    by_action = events.groupby(["day", "source", "action"]).size().unstack(fill_value=0)
    by_source = events.groupby(["day", "source"]).agg(
        n=("event_id", "size"),
        contacts=("contact_name", "nunique"),
        conversations=("conversation_id", "nunique"),
    )
    by_source.join(by_action).reset_index().to_parquet(folder / "counts.parquet")


def csv(file: str, out: str) -> None:
    """Write CSV."""
    pd.read_parquet(file).to_csv(out, index=False)


def xlsx(file: str, out: str) -> None:
    """Write a workbook."""
    pd.read_parquet(file).to_excel(out, index=False, engine="xlsxwriter")


def pdf(file: str, out: str) -> None:
    """Write one table as PDF."""
    from jinja2 import Environment  # noqa: PLC0415
    from weasyprint import HTML  # noqa: PLC0415

    log = pd.read_parquet(file)
    page = Environment(autoescape=True).from_string(PAGE)
    html = page.render(name="log", header=log.columns, rows=log.itertuples(index=False), charts=[])
    HTML(string=html).write_pdf(out)


if __name__ == "__main__":
    began = time.perf_counter()
    globals()[sys.argv[1]](*sys.argv[2:])
    if sys.argv[1] != "report":
        print(json.dumps({"seconds": time.perf_counter() - began}))
