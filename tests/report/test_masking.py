from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from assets.archive.publish import draft_report
from assets.config.presentation import Filters
from assets.config.workspace import ReportSpec, Workspace
from assets.errors import ConfigError
from assets.report.masking import mask_filters, mask_rows
from tests.conftest import DAY, LATER, Inbox, line
from tests.report.test_chains import log_of

KEY = "a key of sixteen or more"


def test_the_same_contact_has_the_same_pseudonym_and_another_key_another() -> None:
    rows = mask_rows(log_of([("1", None, "Ann"), ("2", None, "Ann"), ("1", "Ann", None)]), KEY)
    ids, names = rows["contact_id"].to_pylist(), rows["contact_name"].to_pylist()
    assert ids[0] == ids[2] != ids[1]
    assert names[0] == names[2] != names[1]
    assert mask_rows(log_of([("1", None, "Ann")]), KEY + "!")["contact_id"].to_pylist() != ids[:1]
    assert rows["assignee_name"].to_pylist() == ["Ann", "Ann", None], "who works there is no secret"


def test_nothing_stays_nothing() -> None:
    rows = log_of([("1", None, "Ann")])
    for name in ("contact_id", "conversation_id"):
        rows = rows.set_column(rows.column_names.index(name), name, pa.array([None], pa.string()))
    hidden = mask_rows(rows, KEY)
    assert hidden["contact_id"].to_pylist() == hidden["conversation_id"].to_pylist() == [None]
    assert hidden["contact_name"].to_pylist()[0].startswith("Contact ")


def test_filters_name_no_contact() -> None:
    shown = mask_filters(Filters(contact=("Ann Smith",), conversation=("c1",), source=("user",)))
    assert shown == Filters(contact=("…",), conversation=("…",), source=("user",))


@pytest.fixture
def secretive(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    inbox.write(
        line(
            "secret-1",
            "2024-03-05T15:00:00Z",
            contact_id="4711",
            contact_name="Ann Smith",
            conversation_id="c-99",
        ),
        line(
            "secret-2",
            "2024-03-05T16:00:00Z",
            contact_id="4711",
            contact_name="Ann Smith",
            previous_assignee="Bob",
            assignee="Eve",
        ),
        line("secret-3", "Ann Smith"),
    )
    inbox.load()
    inbox.build()
    monkeypatch.setenv("MASK_KEY", KEY)
    given = inbox.workspace.model_dump() | {"mask_key": "${MASK_KEY}", "mask_contacts": True}
    return Workspace.model_validate(given)


def test_no_file_of_a_masked_report_names_a_contact(inbox: Inbox, secretive: Workspace) -> None:
    spec = secretive.completed(
        ReportSpec(name="mine", first_day=DAY, last_day=DAY, filters=Filters(contact=("ann smi",)))
    )
    draft = draft_report(inbox.lake, secretive, spec, DAY, LATER)
    assert draft.report.total == 2, "the filter looks at the real names"
    files: dict[str, Any] = {"report.json": draft.report.model_dump_json().encode(), **draft.render(1)}
    files["manifest.json"] = str(draft.configuration).encode()
    files["log.parquet"] = str(pq.read_table(BytesIO(draft.tables["log.parquet"])).to_pylist()).encode()
    files["log"] = str(draft.printed.to_pylist()).encode()
    files["codes"] = (str(draft.coded.contacts) + str(draft.coded.conversations)).encode()
    for name, data in files.items():
        for word in (b"Ann Smith", b"ann smi", b"4711", b"c-99", b"secret-"):
            assert word not in data, (name, word)
    assert b"Contact " in files["log.csv"]
    assert b"pseudonyms" in files["report.html"]


def test_an_empty_key_masks_nothing_and_stops_the_report(inbox: Inbox, secretive: Workspace) -> None:
    unkeyed = secretive.model_copy(update={"mask_key": SecretStr("")})
    spec = unkeyed.completed(ReportSpec(name="mine", first_day=DAY, last_day=DAY))
    with pytest.raises(ConfigError, match="at least 16 characters"):
        draft_report(inbox.lake, unkeyed, spec, DAY, LATER)


def test_masking_needs_a_key_that_nobody_guesses() -> None:
    with pytest.raises(ConfigError, match="at least 16 characters"):
        mask_rows(log_of([("1", None, "Ann")]), "short")
    with pytest.raises(ValueError, match="mask_key"):
        Workspace.model_validate(
            {
                "slug": "a",
                "name": "A",
                "timezone": "UTC",
                "first_day": "2024-01-01",
                "source": {"type": "files", "path": "x"},
                "reports": [{"name": "m", "preset": "today", "mask_contacts": True}],
            }
        )
