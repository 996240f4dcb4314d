"""The guard before Dagster's own application: attacks that work without it, and requests that must work with it."""

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dagster as dg
import httpx
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.errors import ConfigError
from orchestration.deployment.listener import Listener
from orchestration.deployment.web_guard import Access, WebGuard
from orchestration.deployment.web_server import access_of
from tests.orchestration.simulated_scheduler import configure
from tests.servers.asgi import served

HOSTS = frozenset({"127.0.0.1", "localhost", "::1", "reports.example"})
HOSTS = frozenset({"127.0.0.1", "localhost", "::1", "reports.example"})
TOKEN = "correct horse battery staple"  # noqa: S105
LOGIN = Access(HOSTS, TOKEN, "X-Forwarded-User", (ip_network("127.0.0.7"),))


@dataclass(frozen=True)
class Servers:
    """Dagster's application without the guard, with it, and with a login; and the pools that mutations made."""

    instance: dg.DagsterInstance
    open: httpx.Client
    guarded: httpx.Client
    login: httpx.Client

    def pools(self) -> set[str]:
        return set(self.instance.event_log_storage.get_concurrency_keys())

    @property
    def origin(self) -> str:
        return str(self.guarded.base_url)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    home = tmp_path_factory.mktemp("home")
    with ExitStack() as stack:
        instance = stack.enter_context(
            dg.DagsterInstance.local_temp(str(home), {"telemetry": {"enabled": False}})
        )
        context = stack.enter_context(WorkspaceProcessContext(instance, EmptyWorkspaceTarget()))
        app = create_app_from_workspace_process_context(context)
        apps = (app, WebGuard(app, Access(HOSTS)), WebGuard(app, LOGIN))
        clients = (httpx.Client(base_url=stack.enter_context(served(each))) for each in apps)
        yield Servers(instance, *map(stack.enter_context, clients))


def mutation(pool: str) -> str:
    """Return a mutation whose effect is seen: it makes a pool."""
    return f'mutation b {{ setConcurrencyLimit(concurrencyKey: "{pool}", limit: 1) }}'


@dataclass(frozen=True)
class Attack:
    """A request as a page of another site makes a browser send it, or as a hostile name server does."""

    status: int
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    query: str = "{mutation}"
    body: str | None = None

    def send(self, client: httpx.Client, pool: str) -> Any:
        query = self.query.replace("{mutation}", mutation(pool))
        return client.request(
            self.method,
            "/graphql",
            params={"query": query, "operationName": "b"} if query.startswith("query") else {"query": query},
            headers=self.headers,
            content=self.body and self.body.replace("{mutation}", json.dumps(mutation(pool))),
        )


JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
FOREIGN = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
EVERYWHERE = "0.0.0.0"  # noqa: S104
BODY = '{"query": {mutation}}'
ATTACKS = {
    "rebinding": Attack(421, headers={"host": "evil.example:3000"}),
    "rebinding-post": Attack(421, "POST", JSON | {"host": "evil.example"}, body=BODY),
    "address-bar": Attack(405),
    "second-operation": Attack(405, query="query a { version } {mutation}"),
    "image": Attack(403, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
    "image-other-port": Attack(403, headers={"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}),
    "form": Attack(403, "POST", FOREIGN | FORM),
    "form-old-browser": Attack(415, "POST", FORM),
    "text": Attack(415, "POST", {"content-type": "text/plain"}),
    "text-says-json": Attack(415, "POST", {"content-type": "text/plain; application/json"}, body=BODY),
    "json": Attack(403, "POST", FOREIGN | JSON, body=BODY),
    "json-sandboxed": Attack(403, "POST", {"origin": "null"} | JSON, body=BODY),
    "json-other-port": Attack(403, "POST", {"origin": "http://127.0.0.1:8000"} | JSON, body=BODY),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_works_without_the_guard_and_fails_with_it(servers: Servers, name: str) -> None:
    attack = ATTACKS[name]
    attack.send(servers.open, f"{name}-open")
    answer = attack.send(servers.guarded, f"{name}-guarded")
    assert answer.status_code == attack.status, answer.text
    assert servers.pools() & {f"{name}-open", f"{name}-guarded"} == {f"{name}-open"}


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("program", {}),
        ("page", {"origin": "{origin}", "sec-fetch-site": "same-origin"}),
        ("page-behind-tls", {"host": "reports.example", "origin": "https://reports.example"}),
        (
            "page-behind-tls-on-a-port",
            {"host": "Reports.example:8443", "origin": "https://reports.example:8443"},
        ),
        ("page-on-ipv6", {"host": "[::1]:3000", "origin": "http://[::1]:3000"}),
    ],
)
def test_programs_and_pages_of_the_ui_may_send_mutations(
    servers: Servers, name: str, headers: dict[str, str]
) -> None:
    headers = {key: value.replace("{origin}", servers.origin) for key, value in headers.items()}
    answer = servers.guarded.post("/graphql", json={"query": mutation(name)}, headers=headers)
    assert answer.json() == {"data": {"setConcurrencyLimit": True}}
    assert name in servers.pools()


def test_get_runs_queries_only(servers: Servers) -> None:
    client = servers.guarded
    for query, status in {
        "{ version }": 200,
        "query { ...some } fragment some on Query { version }": 200,
        "subscription { locationStateChangeEvents { __typename } }": 405,
        "{ version": 405,
        "type A { b: Int }": 405,
        "{a" * 9_000: 405,
        "": 405,
    }.items():
        assert client.get("/graphql", params={"query": query}).status_code == status, query[:40]
    assert client.head("/graphql", params={"query": mutation("head")}).status_code == 405
    assert (
        client.get(f"/graphql?{urlencode([('query', mutation('two')), ('query', '{version}')])}").status_code
        == 405
    )
    assert client.put("/graphql", json={"query": "{ version }"}).status_code == 405


def test_a_link_from_anywhere_opens_a_page_and_no_other_site_frames_it(servers: Servers) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    answer = servers.guarded.get("/runs", headers=link)
    assert answer.status_code == 200
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert servers.guarded.get("/runs", headers=link | {"sec-fetch-dest": "iframe"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (FOREIGN, 403),
        ({"origin": "http://127.0.0.1:8000"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "websocket"}, 403),
        ({"host": "evil.example"}, 403),
        ({"origin": "{origin}", "sec-fetch-site": "same-origin"}, 101),
        ({}, 101),
    ],
)
def test_a_websocket_is_opened_by_the_ui_and_by_programs_only(
    servers: Servers, headers: dict[str, str], status: int
) -> None:
    host, port = headers.pop("host", "127.0.0.1"), servers.guarded.base_url.port
    headers = {key: value.replace("{origin}", servers.origin) for key, value in headers.items()}
    opening = partial(
        connect,
        f"ws://{host}:{port}/graphql",
        sock=socket.create_connection(("127.0.0.1", port)),
        subprotocols=[Subprotocol("graphql-ws")],
        additional_headers=headers,
    )
    if status == 101:
        with opening() as opened:
            opened.send('{"type": "connection_init"}')
            assert opened.recv() == '{"type":"connection_ack"}'
    else:
        with pytest.raises(InvalidStatus, match=str(status)):
            opening()


def basic(password: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'ann:{password}'.encode()).decode()}"}


@pytest.mark.parametrize(
    ("sender", "headers", "status"),
    [
        ("127.0.0.1", {}, 401),
        ("127.0.0.1", {"authorization": f"Bearer {TOKEN}"}, 200),
        ("127.0.0.1", {"authorization": f"Bearer {TOKEN}x"}, 401),
        ("127.0.0.1", {"authorization": f"Digest {TOKEN}"}, 401),
        ("127.0.0.1", {"authorization": "Basic ?"}, 401),
        ("127.0.0.1", basic(TOKEN), 200),
        ("127.0.0.1", basic(""), 401),
        ("127.0.0.1", {"x-forwarded-user": "ann"}, 401),
        ("127.0.0.7", {"x-forwarded-user": "ann"}, 200),
        ("127.0.0.7", {"x-forwarded-user": ""}, 401),
        ("127.0.0.7", {}, 401),
    ],
)
def test_a_login_is_a_token_or_the_header_of_a_trusted_proxy(
    servers: Servers, sender: str, headers: dict[str, str], status: int
) -> None:
    with httpx.Client(
        base_url=servers.login.base_url, transport=httpx.HTTPTransport(local_address=sender)
    ) as client:
        answer = client.get("/graphql", params={"query": "{ version }"}, headers=headers)
        assert client.get("/server_info", headers=headers).status_code == 200
    assert answer.status_code == status
    assert ("Basic" in answer.headers.get("www-authenticate", "")) == (status == 401)


def test_a_login_does_not_replace_the_check_of_the_origin(servers: Servers) -> None:
    headers = FOREIGN | basic(TOKEN)
    answer = servers.login.post("/graphql", json={"query": mutation("login")}, headers=headers)
    assert answer.status_code == 403
    assert "login" not in servers.pools()


SEND = {
    "image": """([url]) => new Promise(done => {
        const image = new Image(); image.onload = image.onerror = () => done(); image.src = url; })""",
    "form": """([url]) => new Promise(done => {
        document.body.innerHTML = '<iframe name="frame"></iframe><form method="post" target="frame"></form>';
        document.forms[0].action = url;
        document.forms[0].submit();
        document.querySelector("iframe").onload = () => done(); })""",
    "no-cors": """([url, body]) => fetch(url.split("?")[0], {method: "POST", mode: "no-cors", body,
        headers: {"Content-Type": "text/plain; application/json"}}).then(() => null)""",
    "websocket": """([url]) => new Promise(done => {
        const socket = new WebSocket(url.replace("http", "ws").split("?")[0], "graphql-ws");
        socket.onopen = () => done("open"); socket.onerror = () => done("refused"); })""",
}


@pytest.fixture(scope="module")
def foreign_page(browser: Browser) -> Iterator[Page]:
    """A page of another site in a browser that can reach the servers."""
    site = Starlette(routes=[Route("/", lambda _: HTMLResponse("<title>Free cake</title>"))])
    with served(site) as address:
        page = browser.new_page()
        page.goto(address.replace("127.0.0.1", "cake.localhost"))
        yield page
        page.close()


@pytest.mark.parametrize("name", SEND)
def test_a_foreign_page_in_a_browser_reaches_the_open_server_only(
    servers: Servers, foreign_page: Page, name: str
) -> None:
    answers = []
    for kind, client in (("open", servers.open), ("guarded", servers.guarded)):
        query = mutation(f"browser-{name}-{kind}")
        url = f"{client.base_url}/graphql?{urlencode({'query': query})}"
        answers.append(foreign_page.evaluate(SEND[name], [url, json.dumps({"query": query})]))
    if name == "websocket":
        assert answers == ["open", "refused"]
    else:
        assert {pool for pool in servers.pools() if pool.startswith(f"browser-{name}")} == {
            f"browser-{name}-open"
        }


def test_a_name_that_begins_to_lead_to_the_server_is_refused(servers: Servers, browser: Browser) -> None:
    page = browser.new_page()
    for client, status in ((servers.open, 200), (servers.guarded, 421)):
        answer = page.goto(str(client.base_url).replace("127.0.0.1", "rebound.localhost"))
        assert answer
        assert answer.status == status
    page.close()


def test_a_browser_sends_the_password_with_websockets_too(servers: Servers, browser: Browser) -> None:
    page = browser.new_page()
    answer = page.goto(str(servers.login.base_url).replace("://", f"://ann:{TOKEN.replace(' ', '%20')}@"))
    assert answer
    assert answer.status == 200
    assert page.evaluate(SEND["websocket"], [str(servers.login.base_url) + "/graphql?"]) == "open"
    page.close()


def config(folder: Path, **web: Any) -> Config:
    configure(folder, web=web)
    return load_config(folder / "reports.yaml")


def test_another_host_than_loopback_needs_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="other machines could launch runs without a login"):
        access_of(config(tmp_path, allowed_hosts=["reports.example"]), EVERYWHERE)
    proxy = {"trusted_header": "X-Forwarded-User", "trusted_proxies": ["10.0.0.7"]}
    assert access_of(config(tmp_path, **proxy), EVERYWHERE).proxies == (ip_network("10.0.0.7/32"),)
    by_token = config(tmp_path, token="${UI_TOKEN}")
    with pytest.raises(ConfigError, match="UI_TOKEN is not set"):
        access_of(by_token, EVERYWHERE)
    monkeypatch.setenv("UI_TOKEN", TOKEN)
    assert access_of(by_token, EVERYWHERE).token == TOKEN
    monkeypatch.setenv("UI_TOKEN", "short")
    with pytest.raises(ConfigError, match="at least 16 characters"):
        access_of(by_token, "127.0.0.1")


@pytest.mark.parametrize(
    ("web", "said"),
    [
        ({"trusted_header": "X-Forwarded-User"}, "are required together"),
        ({"trusted_proxies": ["10.0.0.7"]}, "are required together"),
        ({"allowed_hosts": ["https://reports.example"]}, "must be a host name"),
        (
            {"trusted_header": "X Forwarded", "trusted_proxies": ["10.0.0.7"]},
            "must be the name of an HTTP header",
        ),
        ({"token": 1234567}, r"web.token: must be a valid string$"),
    ],
)
def test_mistakes_of_the_configuration_are_named(tmp_path: Path, web: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(tmp_path, **web)


def test_a_port_that_is_taken_is_named() -> None:
    with Listener("127.0.0.1", 0).bind() as taken:
        taken.listen()
        with pytest.raises(ConfigError, match="Address already in use"):
            Listener("127.0.0.1", taken.getsockname()[1]).bind()
