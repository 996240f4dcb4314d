"""Each patch of another library: that it does what it says, and that the library still needs it."""

import inspect
import smtplib
import socket
import tomllib
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pydyf
import pytest
from fsspec.implementations.sftp import SFTPFileSystem

from assets.runtime.compat import dagster_materializations, pydyf_compression, weasyprint_internals
from assets.runtime.compat.smtplib_replies import smtp_client

ROOT = Path(__file__).parents[3]


def reply_cut_off(client: smtplib.SMTP) -> int | None:
    """Return the code that *client* reads where the server's reply ends after two of its three digits."""
    here, there = socket.socketpair()
    client.sock = here
    there.sendall(b"25")
    there.close()
    try:
        return client.getreply()[0]
    except smtplib.SMTPServerDisconnected:
        return None
    finally:
        here.close()


def test_smtplib_takes_a_reply_that_was_cut_off_for_a_whole_one_and_the_patched_client_does_not() -> None:
    assert reply_cut_off(smtplib.SMTP()) == 25
    assert reply_cut_off(smtp_client("127.0.0.1", 5)) is None


def test_pydyf_still_compresses_through_zlib_at_its_highest_level(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[int] = []

    class Listening:
        @staticmethod
        def compressobj(level: int) -> Any:
            levels.append(level)
            return zlib.compressobj(level)

    monkeypatch.setattr(pydyf, "zlib", Listening)
    assert pydyf.Stream([b"x"], compress=True).data
    assert levels == [9]
    monkeypatch.undo()
    assert pydyf.zlib is pydyf_compression._Zlib


def test_fsspec_still_loads_no_known_hosts_for_sftp() -> None:
    assert "load_host_keys" not in inspect.getsource(SFTPFileSystem)


def test_the_printed_log_finds_the_internals_that_it_calls() -> None:
    assert weasyprint_internals.unexpected_internals() == ()


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
@pytest.mark.parametrize(("metadata", "count"), [({}, 2), (dagster_materializations.NO_MORE_EVENTS, 1)])
def test_dagster_repeats_the_materializations_that_a_step_has_stored(
    metadata: dict[str, bool], count: int
) -> None:
    @dg.asset(
        partitions_def=dg.StaticPartitionsDefinition(["a", "b"]),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        for key in context.partition_keys:
            context.log_event(dg.AssetMaterialization("made", partition=key))
        return dg.MaterializeResult(metadata=metadata)

    tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "b"}
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([made], instance=instance, tags=tags).success
        records = instance.fetch_materializations(dg.AssetKey("made"), limit=9).records
    assert Counter(record.partition_key for record in records) == {"a": count, "b": count}


@pytest.mark.parametrize(
    ("name", "is_missed"),
    [("weasyprint.pdf.anchors:gone", True), ("gone.module:name", True), ("pydyf:PDF.add_object", False)],
)
def test_a_name_that_is_gone_is_told(name: str, *, is_missed: bool) -> None:
    assert (weasyprint_internals._parameters_of(name) is None) == is_missed


def test_weasyprint_and_pydyf_are_bounded_to_the_versions_whose_internals_are_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = [each for each in project["dependencies"] if each.startswith(("weasyprint", "pydyf"))]
    assert sorted(bounds) == ["pydyf>=0.13,<0.14", "weasyprint>=70,<71"]
