"""Lists of recipients as spreadsheets save them."""

from pathlib import Path

import pytest

from assets.config.deployment import Config
from assets.deliver.recipients import resolve_recipients

LISTS = {
    "plain": "address,agent\nann@acme.example,Bob\n",
    "semicolons": "address;agent\r\nann@acme.example;Bob\r\n",
    "tabs": "address\tagent\nann@acme.example\tBob\n",
    "capitals": "Address,AGENT\nann@acme.example,Bob\n",
    "a byte order mark": "\ufeffaddress,agent\nann@acme.example,Bob\n",
    "empty rows": "address,agent\nann@acme.example,Bob\n,\n,\n",
    "a display name": "address,agent\nAnn Smith <ann@acme.example>,Bob\n",
    "a quoted display name": 'address,agent\n"""Smith, Ann"" <ann@acme.example>",Bob\n',
    "more columns": "address,agent,note\nann@acme.example,Bob,x\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_is_read_however_it_was_saved(tmp_path: Path, kind: str) -> None:
    (tmp_path / "list.csv").write_text(LISTS[kind], encoding="utf-8", newline="")
    subscription = {
        "name": "managers",
        "reports": ["yesterday"],
        "recipients_file": "list.csv",
        "filters": {"assigned_to": ["{recipient.agent}"]},
    }
    workspace = {
        "slug": "acme",
        "name": "Acme",
        "timezone": "UTC",
        "first_day": "2026-01-01",
        "source": {"type": "files", "path": "events/*.csv"},
        "subscriptions": [subscription],
    }
    smtp = {"host": "localhost", "security": "none", "sender": "reports@acme.example"}
    raw = {"lake": "lake", "archive": "out", "smtp": smtp, "workspaces": [workspace]}
    config = Config.model_validate(raw, context={"folder": tmp_path})
    (acme,) = config.workspaces
    recipients, rejected = resolve_recipients(config, acme, acme.subscriptions[0])
    assert [(each.address, each.details["agent"]) for each in recipients] == [("ann@acme.example", "Bob")]
    assert rejected == []
