"""Plain lines of NDJSON are read as those of any kind: the fast parser gives what the other one gives, or nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assets.config.source import FilesSource
from assets.sources.files import ndjson
from assets.sources.files.ndjson_plain import plain_cells

KEYS = (
    "event_id",
    "occurred_at",
    "contact_id",
    "previous_assignee",
    "assignee_name",
    "assignee",
    "type",
    "stream",
    "x",
)
EVENT = {"event_id": "e1", "contact_id": 7, "previous_assignee": None, "assignee": "Ann \u00fc \ud83d\ude00"}


def lines_of(*values: Any, **kept: Any) -> list[str]:
    return [value if isinstance(value, str) else json.dumps(EVENT | kept | value) for value in values]


def read(
    lines: list[str], parse: Callable[..., Any], columns: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the rows of *lines*, with *parse* for plain ones."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ndjson, "plain_cells", parse)
        path = Path(folder, "events.ndjson")
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        options = FilesSource(type="files", path=str(path), columns=columns or {})
        rows = pa.concat_tables(
            [pa.table(batch.rows) for batch in ndjson.read_ndjson(path, "events.ndjson", options)],
            promote_options="default",
        ).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def is_plain(*lines: str) -> bool:
    keys = {name: [name] for name in ("contact_id", "previous_assignee_name", "assignee_name", "event_id")}
    return plain_cells(pa.array(lines), keys | {"assignee_id": ["assignee"]}) is not None


texts = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(
    ['"assignee":', "{", "}", "[[", "STATE", "RECORD", "\\", "-0", " ", "\u2028", '\\"assignee\\":']
)
numbers = st.integers(-3, 3) | st.integers() | st.just(2**63) | st.floats()
values = st.none() | texts | numbers | st.booleans() | st.lists(st.integers(), max_size=2)
objects = st.dictionaries(
    st.sampled_from(KEYS), values | st.dictionaries(st.sampled_from(KEYS), values, max_size=1)
)
events = st.fixed_dictionaries(
    {"assignee": st.none() | texts},
    optional={
        "event_id": texts,
        "contact_id": st.none() | st.integers(-(2**63), 2**63),
        "previous_assignee": st.none() | texts,
        "assignee_name": st.none() | texts,
        "type": texts,
        "x": values,
    },
)


@st.composite
def json_lines(draw: st.DrawFn) -> str:
    """Draw a line: mostly an event, as Python writes it; seldom any object, or a few characters more."""
    is_odd = draw(st.sampled_from([False] * 9 + [True]))
    text = json.dumps(draw(objects if is_odd else events), ensure_ascii=draw(st.booleans()))
    for at in draw(st.lists(st.integers(0, len(text)), max_size=2)) if is_odd else ():
        text = (
            text[:at]
            + draw(st.sampled_from(['"', ",", "{", "}", ":", "\\u0061", " ", '"x":1,', "0"]))
            + text[at:]
        )
    return text.replace("\n", " ").replace("\r", " ")


@given(st.lists(json_lines(), min_size=1, max_size=4))
@example(lines_of({"assignee": None}, {"x": '"assignee":'}))
@example(lines_of('{"assignee":"A"}{"assignee":"B"}', "", '{"assignee":"A"}'))
@example(['{"assignee":', '"A"}', '{"assignee":"B"}{"assignee":"B"}'])
@example(lines_of({}, '{"contact_id": -0, "assignee": "A"}'))
@example(lines_of({}, '{"assignee": "A", "assignee": "B"}'))
@example(lines_of({}, '{"assignee\\u005fname": null}'))
@example(lines_of({"type": "STATE", "value": 1}))
@example(lines_of({"type": ""}, {"type": "["}))
def test_plain_lines_are_read_as_lines_of_any_kind(lines: list[str]) -> None:
    assert read(lines, plain_cells) == read(lines, lambda *_: None)


def test_events_are_plain() -> None:
    named = {
        "event_id": "e1",
        "contact_id": 7,
        "previous_assignee_name": None,
        "assignee_name": 'J\u00f6rg \\ "x"',
    }
    assert is_plain(
        json.dumps(named, ensure_ascii=False), json.dumps(named | {"previous_assignee_name": "A"})
    )
    assert is_plain(
        json.dumps(named | {"labels": ["a", [1]], "score": 1.5, "is_new": True}, ensure_ascii=False)
    )


@pytest.mark.parametrize("depth", [64, 65, 100_000])
def test_lists_in_lists_do_not_exhaust_the_stack(depth: int) -> None:
    nested = f'{{"assignee": "A", "x": {"[" * depth}{"]" * depth}}}'
    assert is_plain(nested) == (depth == 64)


def test_a_line_that_is_not_plain_leaves_those_of_other_pieces_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "_PIECE_ROWS", 2)
    rows = read(lines_of({}, {}, {}, "junk", {}, {"contact_id": 1.5}, {"assignee": "B"}), plain_cells)
    assert [row["row_number"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.get("fault") for row in rows] == [None, None, None, "is no JSON object", None, None, None]
    assert (rows[5]["contact_id"], rows[6]["assignee_name"]) == ("1.5", "B")
