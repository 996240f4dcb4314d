from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from assets.config.base import resolve_secret
from assets.config.deployment import Config, missing_variables
from assets.config.loader import load_config
from assets.errors import ConfigError
from assets.periods import PRESETS

LEAST = """
lake: ./lake
archive: ./reports_out
workspaces:
  - slug: acme
    name: Acme Support
    timezone: America/New_York
    first_day: 2016-01-01
    source: {type: files, path: "events/*.csv"}
"""


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "reports.yaml"
    path.write_text(text)
    return load_config(path)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return [line.removeprefix(f"{tmp_path / 'reports.yaml'}: ") for line in str(caught.value).splitlines()]


def test_the_least_configuration_works_with_paths_relative_to_its_file(tmp_path: Path) -> None:
    config = read(tmp_path, LEAST)
    assert config.lake == tmp_path / "lake"
    assert config.archive == tmp_path / "reports_out"
    assert config.workspaces[0].source.path == str(tmp_path / "events/*.csv")  # type: ignore[union-attr]
    assert [spec.name for spec in config.workspaces[0].all_reports] == [
        "today",
        "yesterday",
        "last_7_days",
        "last_14_days",
        "last_30_days",
        "this_month",
        "last_month",
        "explorer",
    ]


def with_report(report: str, options: str = "") -> str:
    return f"{LEAST}    reports: [{report}]\n{options}"


@pytest.mark.parametrize(
    ("preset", "every", "at"),
    [
        ("last_week", "first_day_of_week", "06:15:00"),
        ("last_quarter", "first_day_of_quarter", "06:15:00"),
        ("last_month", "first_day_of_month", "06:15:00"),
        ("this_week", "day", "None"),
        ("this_year", "day", "None"),
        ("last_90_days", "day", "None"),
    ],
)
def test_a_preset_beside_the_seven_is_made_where_a_report_names_it(
    tmp_path: Path, preset: str, every: str, at: str
) -> None:
    workspace = read(tmp_path, with_report(f"{{name: mine, preset: {preset}}}")).workspaces[0]
    spec = workspace.all_reports[-1]
    assert [other.name for other in workspace.all_reports].count("mine") == 1
    assert preset in PRESETS or not [other for other in workspace.all_reports[:-1] if other.preset == preset]
    assert (spec.name, spec.preset, spec.every, str(spec.at)) == ("mine", preset, every, at)
    assert spec.includes_running_day == preset.startswith("this_")


def test_a_last_week_has_one_report_for_each_week(tmp_path: Path) -> None:
    report = "{name: mine, preset: last_week, at: '07:30'}"
    workspace = read(tmp_path, with_report(report, "    week_starts: saturday\n")).workspaces[0]
    ticks = workspace.ticks_of(workspace.all_reports[-1], date(2026, 11, 1), date(2026, 11, 28))
    assert [f"{tick.at.astimezone(workspace.zone):%a %d %H:%M}" for tick in ticks] == [
        "Sat 07 07:30",
        "Sat 14 07:30",
        "Sat 21 07:30",
        "Sat 28 07:30",
    ]


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ("", "monday"),
        ("    language: de\n", "monday"),
        ("    language: pt-BR\n", "sunday"),
        ("    language: pt-BR\n    week_starts: monday\n", "monday"),
        ("    week_starts: saturday\n", "saturday"),
    ],
)
def test_weeks_begin_as_configured_or_as_where_the_language_is_spoken(
    tmp_path: Path, options: str, first: str
) -> None:
    report = "{name: arabic, preset: last_week, language: ar}"  # the week is the workspace's
    assert read(tmp_path, with_report(report, options)).workspaces[0].week_start == first


def test_a_report_may_have_a_title_and_compare_with_the_year_before(tmp_path: Path) -> None:
    report = '{name: q, preset: last_quarter, title: "Q: <b>übergaben</b>", compare_with: previous_year}'
    quarter = read(tmp_path, with_report(report)).workspaces[0].all_reports[-1]
    assert (quarter.title, quarter.compare_with) == ("Q: <b>übergaben</b>", "previous_year")
    shared = read(tmp_path, with_report("{name: q, preset: this_year}", "    compare_with: previous_year\n"))
    for spec in shared.workspaces[0].all_reports:  # the explorer's page compares the range that is picked
        assert spec.compare_with == ("previous_period" if spec.name == "explorer" else "previous_year")


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (
            "{name: q, preset: last_week, every: [monday]}",
            "`every` must be first_day_of_week with `preset: last_week`",
        ),
        (
            "{name: q, preset: last_quarter, every: working_day}",
            "`every` must be first_day_of_quarter with `preset: last_quarter`",
        ),
        ("{name: q, preset: this_year, first_day: 2026-01-01}", "are allowed with `preset: custom` only"),
        ('{name: q, preset: today, title: "two\\nlines"}', "title: must be one line of text"),
        ('{name: q, preset: today, title: "   "}', "title: must be one line of text"),
        ('{name: q, preset: today, title: ""}', "title: must have at least 1 character"),
        (
            f"{{name: q, preset: today, title: {'x' * 121}}}",
            "title: must have at most 120 characters",
        ),
        ("{name: q, preset: today, compare_with: last_year}", "'previous_period' or 'previous_year'"),
        (
            "{name: q, preset: today, goals: [{metric: rate, at_most: 2}]}",
            "reports.0.goals.0.metric: must be 'assignments', 'assignments_per_day', ",
        ),
        ("{name: q, preset: today, goals: [{metric: contacts}]}", "`at_most` or `at_least` is required"),
        (
            "{name: q, preset: today, goals: [{metric: contacts, at_least: 9, at_most: 3}]}",
            "`at_most` must not be less than `at_least`",
        ),
    ],
)
def test_a_mistake_in_a_report_says_what_is_wrong(tmp_path: Path, report: str, message: str) -> None:
    assert message in "\n".join(mistakes(tmp_path, with_report(report)))


WHEN = "when: [{metric: assignments, above: 5}]"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("reports: [today], all_clear: true", "`all_clear` requires `when`"),
        (f"reports: [today], alert: false, all_clear: true, {WHEN}", "cannot stand beside `alert: false`"),
        (
            f"reports: [today], {WHEN}, filters: {{source: [user]}}",
            "give the `filters` to the report instead",
        ),
        (
            f"reports: [explorer], attach: [], {WHEN}",
            "`when` needs a report of one period, which the explorer is not",
        ),
    ],
)
def test_a_mistake_in_an_alert_says_what_is_wrong(tmp_path: Path, keys: str, message: str) -> None:
    alert = f"{{name: alert, recipients: [ann@acme.example], {keys}}}"
    assert message in "\n".join(mistakes(tmp_path, f"{LEAST}    subscriptions: [{alert}]\n"))


def test_a_week_begins_on_one_of_three_days(tmp_path: Path) -> None:
    (message,) = mistakes(tmp_path, f"{LEAST}    week_starts: friday\n")
    assert message.startswith("workspaces.0.week_starts: must be 'monday', 'sunday' or 'saturday'")


def test_every_mistake_is_named_at_once_with_its_path(tmp_path: Path) -> None:
    wrong = (
        LEAST.replace("America/New_York", "America/New_Yrok")
        .replace("2016-01-01", "2016-13-01")
        .replace('path: "events/*.csv"', "pth: x")
        + "typo: 1\n"
    )
    assert mistakes(tmp_path, wrong) == [
        "workspaces.0.timezone: 'America/New_Yrok' is not an IANA time zone; did you mean 'America/New_York'?",
        "workspaces.0.first_day: must be a valid date such as 2026-03-01, got '2016-13-01'",
        "workspaces.0.source.path: required",
        "workspaces.0.source.pth: unknown key; did you mean `path`?",
        "typo: unknown key",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "slug: acme",
            "slug: Acme Support",
            "workspaces.0.slug: must have lower-case letters, digits, - and _ only, at most 63, and begin with a letter, got 'Acme Support'",
        ),
        (
            "{type: files,",
            "{type: files, columns: {agent: x},",
            "workspaces.0.source.columns: unknown field: agent; expected one of event_id, ",
        ),
        (
            '{type: files, path: "events/*.csv"}',
            "{type: sql, url: x, table: a, query: b}",
            "workspaces.0.source: either `table` or `query` is required, not both",
        ),
        (
            '{type: files, path: "events/*.csv"}',
            '{type: sql, url: x, query: "select :start"}',
            "workspaces.0.source: `query` must contain :end",
        ),
        (
            "first_day: 2016-01-01",
            "first_day: 2016-01-01\n    reports: [{name: mine}]",
            "workspaces.0.reports.0: either `preset`, or `first_day` and `last_day` are required",
        ),
        (
            "first_day: 2016-01-01",
            "first_day: 2016-01-01\n    reports: [{name: today, preset: today}]",
            "workspaces.0: duplicate report name (- and _ count as the same): today",
        ),
        ("lake: ./lake", "lake: ./lake\nlake: ./other", "line 2: duplicate key 'lake'"),
        (
            "{type: files,",
            '{type: files, time_format: "%Y %Q",',
            "workspaces.0.source.time_format: unknown directive %Q; expected one of",
        ),
        ("{type: files,", '{type: files, time_format: "%Y %Z",', "unknown directive %Z; expected one of"),
    ],
)
def test_a_mistake_says_what_is_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in "\n".join(mistakes(tmp_path, LEAST.replace(old, new)))


def test_no_workspace_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "lake: l\narchive: a\nworkspaces: []") == [
        "workspaces: at least one workspace is required"
    ]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="file not found\nhint: name it with --config"):
        load_config(tmp_path / "nope.yaml")


def test_a_secret_comes_from_the_environment_and_is_never_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = LEAST.replace(
        '{type: files, path: "events/*.csv"}',
        '{type: sql, url: "postgresql://u:${PASSWORD_OF_TEST}@h/d", table: t}',
    )
    config = read(tmp_path, text)
    assert missing_variables(config) == [
        "workspaces.0.source.url: environment variable PASSWORD_OF_TEST is not set"
    ]
    monkeypatch.setenv("PASSWORD_OF_TEST", "hunter2")
    assert missing_variables(config) == []
    assert resolve_secret(SecretStr("a ${PASSWORD_OF_TEST}")) == "a hunter2"
    assert "PASSWORD" not in repr(config)


@pytest.mark.parametrize(
    "source",
    [
        "{type: sql, url: {password: hunter2}, table: t}",
        '"postgresql://u:hunter2@h/d"',
        "{type: sql, url: postgresql://u:hunter2@h/d, table: t}: [",
    ],
)
def test_a_secret_is_not_shown_with_a_mistake(tmp_path: Path, source: str) -> None:
    wrong = LEAST.replace('{type: files, path: "events/*.csv"}', source)
    assert "hunter2" not in "\n".join(mistakes(tmp_path, wrong))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("timezone:", "tmezone:", "workspaces.0.tmezone: unknown key; did you mean `timezone`?"),
        ("slug: acme", "slug: acme\n    brand: {colour: red}", "workspaces.0.brand.colour: unknown key; did you mean `color`?"),
        (
            "slug: acme",
            "slug: acme\n    subscriptions: [{name: a, reports: [today], recipients: [{adress: x}]}]",
            "workspaces.0.subscriptions.0.recipients.0.address: required",
        ),
        (
            "slug: acme",
            "slug: acme\n    subscriptions: [{name: a, reports: [today], webhook: {sekret: x, url: x}}]",
            "workspaces.0.subscriptions.0.webhook.sekret: unknown key; did you mean `secret`?",
        ),
        ("type: files", "type: fils", "workspaces.0.source: unknown type 'fils'; expected one of 'files', 'sql', "),
        ("type: files, ", "", "workspaces.0.source: key 'type' is required"),
        ("slug: acme", "slug: acme\n    pdf_log_rows: many", "workspaces.0.pdf_log_rows: must be a valid integer, got 'many'"),
        ("slug: acme", "slug: acme\n    every: monday", "workspaces.0.every: must be a list, got 'monday'"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_key_that_was_meant_and_what_a_value_must_be(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert any(each.startswith(message) for each in mistakes(tmp_path, LEAST.replace(old, new)))


def test_members_of_a_team_are_ids_or_names(tmp_path: Path) -> None:
    teams = "    teams: {Sales: [1234, ' Ana Ruiz ', 1234], Support: [bob@acme.example]}\n"
    workspace = read(tmp_path, LEAST + teams).workspaces[0]
    assert workspace.teams == {"Sales": ("1234", "Ana Ruiz"), "Support": ("bob@acme.example",)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "teams: {Sales: [Ana], Support: [ana]}",
            "teams: 'ana' is in two teams, 'Sales' and 'Support'; keep one of them",
        ),
        (
            "teams: {Sales: [Ana], SALES: [Bob]}",
            "teams: 'SALES' and 'Sales' are one team; write both in the same way",
        ),
        ("teams: {no team: [Ana]}", "teams: 'no team' means people in no team; choose another name"),
        ("teams: {Sales: []}", "teams.Sales: must have at least 1 item"),
        (
            "teams_from_source: true",
            "`teams_from_source` requires a source of `type: chatwoot`; use `teams_file`",
        ),
        ("components: [metric, teams]", "`components: [teams]` requires `teams`, `teams_file` or"),
        (
            "reports: [{name: q, preset: today, filters: {team: [Sales]}}]",
            "report q: `filters.team` requires `teams`, `teams_file` or `teams_from_source`",
        ),
    ],
)
def test_a_mistake_in_the_teams_says_what_is_wrong(tmp_path: Path, options: str, message: str) -> None:
    (mistake,) = mistakes(tmp_path, f"{LEAST}    {options}\n")
    assert message in mistake
