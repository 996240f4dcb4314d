"""Every error that validating a configuration can give is said in our words, and shows no secret."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.config.base import FORMATS
from assets.config.deployment import Config
from assets.config.mistakes import SENTENCES
from tests.config.test_loader import LEAST, mistakes, read

SMTP = "smtp: {host: mail.example, sender: ann@example.org, password: hunter2"
SOURCE = '{type: files, path: "events/*.csv"}'


def workspace(text: str) -> str:
    return f"{LEAST}    {text}\n"


def top(text: str) -> str:
    return f"{LEAST}{text}\n"


def source(text: str) -> str:
    return LEAST.replace(SOURCE, text)


def subscription(text: str) -> str:
    return workspace(f"subscriptions: [{{name: a, reports: [today], {text}}}]")


def report(text: str) -> str:
    return workspace(f"reports: [{{name: r, preset: today, {text}}}]")


EXAMPLES = {
    "bool_parsing": (workspace("explorer: perhaps"), "must be true or false, got 'perhaps'"),
    "bool_type": (workspace("explorer: [1]"), "must be true or false"),
    "date_from_datetime_inexact": (workspace("holidays: [123456789]"), "must be a valid date such as 2026-03-01, got 123456789"),
    "date_from_datetime_parsing": (workspace("holidays: [2026-02-30]"), "must be a valid date such as 2026-03-01, got '2026-02-30'"),
    "date_type": (workspace("holidays: [[1]]"), "must be a valid date such as 2026-03-01"),
    "dict_type": (workspace("working_hours: [1]"), "must be a mapping of keys to values"),
    "enum": (workspace("weekend: [someday]"), "must be 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday' or 'sunday', got 'someday'"),
    "extra_forbidden": (workspace("tiemzone: UTC"), "unknown key; did you mean `timezone`?"),
    "finite_number": (report("goals: [{metric: contacts, at_most: .inf}]"), "must be a finite number, got inf"),
    "float_parsing": (workspace("max_rejected_pct: few"), "must be a number, got 'few'"),
    "float_type": (workspace("max_rejected_pct: [1]"), "must be a number"),
    "greater_than": (subscription("recipients: [a@b.example], expires_hours: 0"), "must be greater than 0, got 0"),
    "greater_than_equal": (top("keep_runs_days: 0"), "must be at least 1, got 0"),
    "int_from_float": (top("keep_runs_days: 1.5"), "must be a valid integer, got 1.5"),
    "int_parsing": (top("keep_runs_days: many"), "must be a valid integer, got 'many'"),
    "int_parsing_size": (top(f"keep_runs_days: '{'9' * 5_000}'"), f"must be a valid integer, got '{'9' * 59}…'"),
    "int_type": (top("keep_runs_days: [1]"), "must be a valid integer"),
    "invalid_key": (workspace("1: x"), "must be a text: write the key in quotes"),
    "ip_any_network": (top("web: {trusted_header: X-User, trusted_proxies: [10.0.0.300]}"), "must be an address, or a network such as 10.0.0.0/8"),
    "less_than_equal": (top("catch_up_days: 63"), "must be at most 62, got 63"),
    "literal_error": (workspace("watch_hours: 5"), "must be 1, 2, 3, 4, 6, 8 or 12, got 5"),
    "missing": (LEAST.replace("    name: Acme Support\n", ""), "required"),
    "model_attributes_type": (source("postgresql://u:hunter2@h/d"), "must be a mapping of keys to values"),
    "model_type": (top("smtp: smtp://ann:hunter2@mail.example"), "must be a mapping of keys to values"),
    "path_type": (top("imports: [1]"), "must be the path of a file or folder"),
    "string_pattern_mismatch": (workspace("brand: {color: red}"), "must be a color such as #332288, got 'red'"),
    "string_too_long": (top(f"operator: {'a' * 300}@example.org"), f"must have at most 254 characters, got '{'a' * 59}…'"),
    "string_too_short": (report("title: ''"), "must have at least 1 character, got ''"),
    "string_type": (workspace("owner: 5"), "must be a valid string, got 5"),
    "string_unicode": (workspace("owner: !!binary /w=="), "must be a text in UTF-8"),
    "time_parsing": (workspace("flow_at: noon"), 'must be a time of day such as "06:30", got \'noon\''),
    "time_type": (workspace("flow_at: [1]"), 'must be a time of day such as "06:30"'),
    "too_short": (subscription("recipients: [a@b.example]").replace("[today]", "[]"), "must have at least 1 item"),
    "tuple_type": (workspace("holidays: 2026-03-01"), "must be a list, got '2026-03-01'"),
    "union_tag_invalid": (source("{type: fils}"), "unknown type 'fils'; expected one of 'files', 'sql', "),
    "union_tag_not_found": (source("{path: x}"), "key 'type' is required"),
    "value_error": (workspace("timezone: Berlin").replace("    timezone: America/New_York\n", ""), "'Berlin' is not an IANA time zone"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SENTENCES)
def test_an_error_is_said_in_our_words(tmp_path: Path, kind: str) -> None:
    text, message = EXAMPLES[kind]
    found = mistakes(tmp_path, text)
    assert any(each.partition(": ")[2].startswith(message) for each in found), found


OF_SCHEMAS = {
    "bool": {"bool_parsing", "bool_type"},
    "date": {"date_from_datetime_inexact", "date_from_datetime_parsing", "date_type"},
    "dict": {"dict_type"},
    "enum": {"enum"},
    "float": {"float_parsing", "float_type"},
    "int": {"int_from_float", "int_parsing", "int_parsing_size", "int_type"},
    "literal": {"literal_error"},
    "model": {"model_type"},
    "model-fields": {"extra_forbidden", "invalid_key", "missing", "model_attributes_type"},
    "str": {"string_type", "string_unicode"},
    "tagged-union": {"model_attributes_type", "union_tag_invalid", "union_tag_not_found"},
    "time": {"time_parsing", "time_type"},
    "tuple": {"tuple_type"},
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "function-plain": {"value_error"},
    "function-wrap": {"value_error"},
}
WITHOUT_ERRORS = {
    *("definitions", "definition-ref", "nullable", "default", "union", "model-field", "any", "chain"),
    *("lax-or-strict", "json-or-python", "is-instance"),
}
NO_PARTS = {"metadata", "serialization", "expected", "members", "function", "json_schema", "strict_schema"}
OF_CONSTRAINTS = {
    "pattern": "string_pattern_mismatch",
    "ge": "greater_than_equal",
    "gt": "greater_than",
    "le": "less_than_equal",
    "allow_inf_nan": "finite_number",
}
OF_LENGTHS = {
    ("str", "min_length"): "string_too_short",
    ("str", "max_length"): "string_too_long",
    ("tuple", "min_length"): "too_short",
}


def errors_of(schema: Any) -> Iterator[str]:
    """Yield the types of errors that pydantic's *schema* can give."""
    if isinstance(schema, list | tuple):
        for part in schema:
            yield from errors_of(part)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if isinstance(kind, str):
        yield from () if kind in WITHOUT_ERRORS else OF_SCHEMAS[kind]
        yield from (error for name, error in OF_CONSTRAINTS.items() if name in schema)
        yield from (error for (of, name), error in OF_LENGTHS.items() if of == kind and name in schema)
    for name, part in schema.items():
        if name not in NO_PARTS:
            yield from errors_of(part)


def test_every_error_that_a_configuration_can_give_has_a_sentence() -> None:
    possible = {*errors_of(Config.__pydantic_core_schema__)}
    assert possible | {"ip_any_network", "path_type"} == SENTENCES.keys() == EXAMPLES.keys()


SECRETS = {
    "a source in one line": source("postgresql://u:hunter2@h/d"),
    "a source without its type": source("{url: postgresql://u:hunter2@h/d, table: t}"),
    "a URL as the type": source("{type: postgresql://u:hunter2@h/d}"),
    "a key without a space": source("{type: sql, url:postgresql://u:hunter2@h/d, table: t}"),
    "a URL as a key, twice": source("{postgresql://u:hunter2@h/d: 1, postgresql://u:hunter2@h/d: 2}"),
    "a list as the URL": source("{type: sql, url: [postgresql://u:hunter2@h/d], table: t}"),
    "a number of a long password": top("smtp: {host: h, sender: a@b.example, username: u, password: 7777777}"),
    "the server as a URL": top("smtp: smtp://ann:hunter2@mail.example"),
    "port and password swapped": top(f"{SMTP}, username: ann, port: hunter2}}"),
    "security and password swapped": top(f"{SMTP}, username: ann, security: hunter2}}"),
    "a state of another kind": top("state: mysql://u:hunter2@h/d"),
    "a list as the state": top("state: [postgresql://u:hunter2@h/d]"),
    "a warehouse of another kind": top("warehouse: mysql://u:hunter2@h/d").replace("lake: ./lake\n", ""),
    "a broker of a mapping": top("broker: {url: redis://u:hunter2@h}"),
    "a short key": workspace("mask_key: hunter2"),
    "a number as the key": workspace("mask_key: 7777777"),
    "a short token": top("web: {token: hunter2}"),
    "a chat in one line": subscription("slack: https://hooks.slack.example/hunter2"),
    "a chat without TLS": subscription("slack: {url: http://hooks.slack.example/hunter2}"),
    "a chat at no URL": subscription("teams: {url: 'hunter2 hunter2'}"),
    "a signing key that is not base64": subscription("webhook: {url: https://h.example, secret: whsec_hunter2!}"),
    "an unknown key with it": subscription("sftp: {host: h, username: u, known_hosts: k, passwrod: hunter2}"),
    "a list of keys in one line": source("{type: respond_io, signing_keys: hunter2}"),
    "no keys": source("{type: respond_io, signing_keys: [], api_token: hunter2}"),
    "a token as the address": source("{type: respond_io, signing_keys: [hunter2], api_url: hunter2}"),
    "an alias": top("broker: *hunter2"),
    "a tag": top("broker: !hunter2 x"),
    "an open bracket": top("broker: [hunter2"),
    "a text that is no YAML": top("broker: @hunter2"),
}  # fmt: skip


@pytest.mark.parametrize("place", SECRETS)
def test_a_mistake_shows_no_secret(tmp_path: Path, place: str) -> None:
    text = "\n".join(mistakes(tmp_path, SECRETS[place]))
    assert "hunter2" not in text
    assert "7777777" not in text


def test_a_long_value_is_cut_and_stays_in_one_line(tmp_path: Path) -> None:
    (message,) = mistakes(tmp_path, workspace('watch_hours: "' + r"a\n" * 5_000 + '"'))
    assert len(message) < 200
    (key,) = mistakes(tmp_path, workspace(f"? {'k' * 900}\n    : 1"))
    assert len(key) < 200


def test_numbers_and_nesting_without_end_are_mistakes(tmp_path: Path) -> None:
    assert mistakes(tmp_path, top(f"keep_runs_days: {'9' * 5_000}"))
    assert mistakes(tmp_path, top(f"broker: {'[' * 20_000}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (workspace("mask_key: short"), "mask_key: must have at least 16 characters"),
        (top("web: {token: short}"), "web.token: must have at least 16 characters"),
        (
            subscription("google_chat: {url: http://chat.example/x}"),
            "google_chat.url: http://chat.example: `url` must be https, or http to this machine",
        ),
        (
            subscription("webhook: {url: https://h.example, secret: 'whsec_ü'}"),
            "webhook.secret: `secret` of a webhook must be base64 after whsec_",
        ),
        (top("state: postgresql://u:p@h:port/d"), "state: must have a number as its port"),
        (top("state: mysql://h/d"), "state: must be the URL of a SQLite or PostgreSQL database"),
    ],
)
def test_a_secret_in_the_configuration_itself_is_checked_at_once(
    tmp_path: Path, text: str, said: str
) -> None:
    assert any(said in each for each in mistakes(tmp_path, text))


LINE = {"title": report("title: '{}'"), "name": LEAST.replace("Acme Support", "'{}'"), "footer": workspace("brand: {{footer: '{}'}}")}  # fmt: skip


@pytest.mark.parametrize(("key", "length"), [("title", 120), ("name", 120), ("footer", 200)])
def test_a_text_that_reports_show_is_limited_as_readers_count(tmp_path: Path, key: str, length: int) -> None:
    template = LINE[key].replace("{{name", "{name")

    def said(text: str) -> list[str]:
        try:
            return mistakes(
                tmp_path, template.replace("'{}'", f"'{text}'").replace("{{", "{").replace("}}", "}")
            )
        except pytest.fail.Exception:
            return []

    most, beyond = "e" + "\u0301" * 8, "e" + "\u0301" * 9
    assert not said(most * length)
    assert any(f"must have at most {length} characters" in each for each in said(most * (length + 1)))
    assert any("at most 8 combining marks on a character" in each for each in said(beyond))
    assert any("must be one line" in each for each in said("a\u2028b"))


def patterns_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    if isinstance(schema, dict | list | tuple):
        for part in schema.values() if isinstance(schema, dict) else schema:
            yield from patterns_of(part)


def test_what_every_pattern_asks_for_is_said_in_words() -> None:
    assert {*patterns_of(Config.__pydantic_core_schema__)} == FORMATS.keys()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p/#?:w@h/d",
        "postgresql://u:p@h:5432/d",
        "postgresql://[::1]:5432/d?x=a:b",
        "postgresql://[::1]/d",
        "postgresql://h:${PORT}/d",
        "sqlite:////a:b/c",
        "postgresql:///d?host=/var/run:x",
    ],
)
def test_a_url_of_a_database_may_have_any_password_and_no_port(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, top(f"state: {url!r}")).state.get_secret_value() == url
