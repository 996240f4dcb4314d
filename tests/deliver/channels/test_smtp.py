"""One mail, a server that misbehaves at each step in turn, and what is known afterwards."""

import ssl
from collections.abc import Callable, Iterator
from select import select

import pytest
import trustme
from pydantic import SecretStr

from assets.deliver.channels.base import ChannelUnavailable, LoginRefused, Timeouts
from assets.deliver.channels.smtp import open_smtp
from assets.deliver.outcome import AttemptResult, Outcome, Step
from tests.servers.mail_server import MailServer, Misbehavior, mail_server

MAIL = b"Subject: report\r\n\r\nfirst\r\n.second\r\n..\r\n"
BRIEF = Timeouts(connection=0.4, command=0.4, data=0.4, block=0.4, dot=0.4, whole=1)


def send(
    server: MailServer, *recipients: str, before_commit: Callable[[], None] = lambda: None
) -> list[AttemptResult]:
    with open_smtp(server.settings(), BRIEF) as line:
        return [
            line.send("reports@acme.example", each, MAIL, before_commit)
            for each in recipients or ["ann@acme.example"]
        ]


def test_a_mail_arrives_as_it_was_and_the_line_serves_many() -> None:
    with mail_server(features=("SIZE 5000",)) as server:
        answers = send(server, "ann@acme.example", "bob@acme.example", "cy@acme.example")
    assert {(answer.outcome, answer.step) for answer in answers} == {(Outcome.ACCEPTED, Step.DOT)}
    assert [each.recipient for each in server.received] == [
        "ann@acme.example",
        "bob@acme.example",
        "cy@acme.example",
    ]
    assert {each.content for each in server.received} == {MAIL}
    assert f"MAIL FROM:<reports@acme.example> SIZE={len(MAIL)}" in server.commands
    assert server.connection_count == 1


@pytest.mark.parametrize(
    ("step", "act", "outcome", "seen_at"),
    [
        ("MAIL", "451 busy", Outcome.DEFERRED, Step.MAIL),
        ("MAIL", "421 closing", Outcome.DEFERRED, Step.MAIL),
        ("MAIL", "550 not you", Outcome.HELD, Step.MAIL),
        ("MAIL", "552 too large", Outcome.FAILED, Step.MAIL),
        ("MAIL", "530 log in first", Outcome.HELD, Step.MAIL),
        ("MAIL", Misbehavior.CUT, Outcome.DEFERRED, Step.MAIL),
        ("RCPT", "451 greylisted", Outcome.DEFERRED, Step.RECIPIENT),
        ("RCPT", "421 closing", Outcome.DEFERRED, Step.RECIPIENT),
        ("RCPT", "550 nobody", Outcome.FAILED, Step.RECIPIENT),
        ("RCPT", "530 log in first", Outcome.HELD, Step.RECIPIENT),
        ("RCPT", "251 forwarded", Outcome.ACCEPTED, Step.DOT),
        ("RCPT", "252 perhaps", Outcome.ACCEPTED, Step.DOT),
        ("RCPT", "garbage", Outcome.DEFERRED, Step.RECIPIENT),
        ("RCPT", Misbehavior.DRIBBLE, Outcome.DEFERRED, Step.RECIPIENT),
        ("RCPT", Misbehavior.SILENCE, Outcome.DEFERRED, Step.RECIPIENT),
        ("DATA", "451 later", Outcome.DEFERRED, Step.DATA),
        ("DATA", "421 closing", Outcome.DEFERRED, Step.DATA),
        ("DATA", "550 no", Outcome.FAILED, Step.DATA),
        ("DATA", "250 what", Outcome.DEFERRED, Step.DATA),
        ("dot", "451 later", Outcome.DEFERRED, Step.DOT),
        ("dot", "421 closing", Outcome.DEFERRED, Step.DOT),
        ("dot", "550 spam", Outcome.FAILED, Step.DOT),
        ("dot", "251 taken", Outcome.ACCEPTED, Step.DOT),
        ("dot", "garbage", Outcome.UNKNOWN, Step.DOT),
        ("dot", "2" * 9_000, Outcome.UNKNOWN, Step.DOT),
        ("dot", Misbehavior.CUT, Outcome.UNKNOWN, Step.DOT),
        ("dot", Misbehavior.RESET, Outcome.UNKNOWN, Step.DOT),
        ("dot", Misbehavior.SILENCE, Outcome.UNKNOWN, Step.DOT),
        ("dot", Misbehavior.DRIBBLE, Outcome.UNKNOWN, Step.DOT),
        ("QUIT", "421 closing", Outcome.ACCEPTED, Step.DOT),
        ("QUIT", Misbehavior.SILENCE, Outcome.ACCEPTED, Step.DOT),
        ("QUIT", Misbehavior.CUT, Outcome.ACCEPTED, Step.DOT),
    ],
)
def test_what_is_known_of_a_mail_is_what_the_server_said(
    step: str, act: str | Misbehavior, outcome: Outcome, seen_at: Step
) -> None:
    with mail_server() as server:
        server.does(step, act)
        (answer,) = send(server)
    assert (answer.outcome, answer.step) == (outcome, seen_at)
    assert answer.text
    has_it = {each.recipient for each in server.received}
    assert bool(has_it) == (seen_at is Step.DOT)


def test_a_line_cut_in_the_body_leaves_the_mail_with_nobody() -> None:
    with mail_server() as server, open_smtp(server.settings(), BRIEF) as line:
        server.does("body", Misbehavior.RESET)
        answer = line.send("reports@acme.example", "ann@acme.example", b"x" * 70 + b"\r\n" * 4_000_000)
        assert (answer.outcome, answer.step) == (Outcome.DEFERRED, Step.BODY)
        assert not line.is_open
    assert server.received == []


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (Misbehavior.CUT, Outcome.DEFERRED),
        (Misbehavior.RESET, Outcome.DEFERRED),
        ("421 closing", Outcome.DEFERRED),
        ("250 what", Outcome.DEFERRED),
        ("554 spam", Outcome.FAILED),
        ("552 too large", Outcome.FAILED),
    ],
)
def test_what_comes_before_the_dot_leaves_the_mail_with_nobody(
    act: str | Misbehavior, outcome: Outcome
) -> None:
    with mail_server() as server, open_smtp(server.settings(), BRIEF) as line:
        server.does("body", act)

        def wait_for_the_server() -> None:
            select([line._client.sock], [], [], 60)  # type: ignore[type-var]

        answer = line.send("reports@acme.example", "ann@acme.example", MAIL, wait_for_the_server)
        assert (answer.outcome, answer.step) == (outcome, Step.BODY)
        assert answer.is_too_large == (act == "552 too large")
        assert not line.is_open
    assert server.received == []


def test_nothing_is_marked_where_the_line_is_known_to_be_cut() -> None:
    with mail_server() as server, open_smtp(server.settings(), BRIEF) as line:
        server.does("DATA", "354 go on\r\n421 closing")
        answer = line.send("reports@acme.example", "ann@acme.example", MAIL, lambda: pytest.fail("marked"))
    assert (answer.outcome, answer.text) == (Outcome.DEFERRED, "421 closing")


@pytest.mark.parametrize("answer", ["552 5.3.4 too large", "550 5.2.3 Message length exceeds the limit"])
def test_a_refusal_for_its_size_may_concern_this_content_only(answer: str) -> None:
    for step in ("MAIL", "dot"):
        with mail_server() as server:
            (result,) = send(server.does(step, answer))
        assert (result.outcome, result.is_too_large) == (Outcome.FAILED, True)


def test_one_bad_recipient_of_three_stops_neither_of_the_others() -> None:
    with mail_server() as server:
        server.does("RCPT", "250 ok", "550 nobody", "250 ok")
        answers = send(server, "ann@acme.example", "gone@acme.example", "cy@acme.example")
    assert [answer.outcome for answer in answers] == [Outcome.ACCEPTED, Outcome.FAILED, Outcome.ACCEPTED]
    assert [each.recipient for each in server.received] == ["ann@acme.example", "cy@acme.example"]


@pytest.mark.parametrize("act", ["500 never", Misbehavior.CUT])
def test_a_refusal_stays_one_where_the_line_cannot_go_on(act: str | Misbehavior) -> None:
    with mail_server() as server:
        server.does("RCPT", "550 nobody").does("RSET", act)
        answers = send(server, "gone@acme.example", "bob@acme.example")
    assert [answer.outcome for answer in answers] == [Outcome.FAILED, Outcome.DEFERRED]
    assert "closed by the server before" in answers[1].text


def test_the_dot_is_not_sent_where_its_attempt_cannot_be_noted() -> None:
    def fail() -> None:
        raise LookupError("the database is down")

    with mail_server() as server, pytest.raises(LookupError):
        send(server, before_commit=fail)
    assert server.received == []


@pytest.mark.parametrize(
    ("step", "act", "said"),
    [
        ("greeting", "554 go away", "answered 554 go away"),
        ("greeting", "421 busy", "answered 421 busy"),
        ("greeting", Misbehavior.SILENCE, "timed out"),
        ("greeting", Misbehavior.DRIBBLE, "closed the connection"),
        ("greeting", Misbehavior.CUT, "closed the connection"),
        ("EHLO", "421 busy", "answered"),
    ],
)
def test_a_server_that_does_not_let_in_holds_everything(step: str, act: str | Misbehavior, said: str) -> None:
    with mail_server() as server:
        server.does(step, act, act)
        with pytest.raises(ChannelUnavailable, match=said):
            send(server)
    assert not any(each.startswith("MAIL") for each in server.commands)


def test_a_server_that_closes_at_ehlo_is_asked_nothing_more() -> None:
    with mail_server() as server, pytest.raises(ChannelUnavailable, match="answered 421 busy"):
        send(server.does("EHLO", "421 busy"))
    assert [each.split()[0].upper() for each in server.commands] == ["EHLO"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_of(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust the test's authority as the system's are trusted."""
    with authority.cert_pem.tempfile() as path:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        yield


LOGIN = {"username": "acme", "password": SecretStr("secret")}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_login_goes_through_tls_only(authority: trustme.CA, security: str) -> None:
    features = ("STARTTLS", "AUTH PLAIN") if security == "starttls" else ("AUTH PLAIN",)
    with (
        mail_server(tls_of(authority), features) as server,
        open_smtp(server.settings(security=security, **LOGIN), BRIEF) as line,
    ):
        answer = line.send("reports@acme.example", "ann@acme.example", MAIL)
    assert answer.outcome is Outcome.ACCEPTED
    verbs = [each.split()[0].upper() for each in server.commands]
    assert verbs[-6:] == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("code", "error"), [(535, LoginRefused), (454, ChannelUnavailable)])
def test_a_refused_login_is_tried_once(authority: trustme.CA, code: int, error: type[Exception]) -> None:
    with mail_server(tls_of(authority), ("STARTTLS", "AUTH CRAM-MD5 LOGIN PLAIN")) as server:
        server.does("AUTH", *[f"{code} no"] * 3)
        with (
            pytest.raises(ChannelUnavailable, match=f"refused the login: {code}") as raised,
            open_smtp(server.settings(security="starttls", **LOGIN), BRIEF),
        ):
            pass
    assert type(raised.value) is error
    assert [each.split()[:2] for each in server.commands if each.startswith("AUTH")] == [["AUTH", "PLAIN"]]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("features", "step", "act", "said"),
    [
        ((), "", "", "STARTTLS extension not supported"),
        (("STARTTLS",), "STARTTLS", "454 not now", "answered 454 not now"),
        (("STARTTLS",), "STARTTLS", Misbehavior.CUT, "closed the connection"),
        (("STARTTLS",), "", "", "AUTH extension not supported"),
        (("STARTTLS", "AUTH PLAIN"), "AUTH", "535 wrong", "refused the login: 535"),
    ],
)
def test_nothing_falls_back_to_a_weaker_channel(
    authority: trustme.CA, features: tuple[str, ...], step: str, act: str | Misbehavior, said: str
) -> None:
    with mail_server(tls_of(authority), features) as server:
        server.tls = tls_of(authority) if "STARTTLS" in features else None
        if step:
            server.does(step, act)
        with (
            pytest.raises(ChannelUnavailable, match=said),
            open_smtp(server.settings(security="starttls", **LOGIN), BRIEF),
        ):
            pass
    assert not any(each.startswith("MAIL") for each in server.commands)
    assert ("AUTH PLAIN" in features) or not any(each.startswith("AUTH") for each in server.commands)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("fault", ["self-signed", "wrong name"])
def test_a_server_that_cannot_prove_its_name_gets_nothing(
    authority: trustme.CA, security: str, fault: str
) -> None:
    tls = tls_of(trustme.CA()) if fault == "self-signed" else tls_of(authority, "mail.other.example")
    features = ("STARTTLS", "AUTH PLAIN") if security == "starttls" else ("AUTH PLAIN",)
    with (
        mail_server(tls, features) as server,
        pytest.raises(ChannelUnavailable, match="an invalid certificate"),
        open_smtp(server.settings(security=security, **LOGIN), BRIEF),
    ):
        pass
    assert not any(each.startswith(("AUTH", "MAIL")) for each in server.commands)
