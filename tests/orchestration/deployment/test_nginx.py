"""deploy/nginx.conf in a real nginx: who reads reports, who uses the UI, and what the guard behind it sees."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

import httpx
import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from orchestration.deployment.web_guard import Access, WebGuard
from tests.servers.asgi import served
from tests.servers.nginx import nginx
from tests.servers.postgres import free_port

READER, OPERATOR = ("rea", "reads"), ("ann", "operates")


@dataclass(frozen=True)
class Proxy:
    """nginx, as a client sees it that trusts its certificate."""

    reports: httpx.Client
    ui: httpx.Client
    tls: ssl.SSLContext


async def echo(request: Request) -> JSONResponse:
    return JSONResponse(dict(request.headers))


async def greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "reports" / "acme").mkdir(parents=True)
    (folder / "reports" / "index.html").write_text("<title>Reports</title>")
    (folder / "reports" / "acme" / ".lock").touch()
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    for name, (user, password) in {"readers": READER, "operators": OPERATOR}.items():
        (folder / name).write_text(f"{user}:{{PLAIN}}{password}\n")
    methods = ["GET", "POST"]
    app = Starlette(routes=[WebSocketRoute("/graphql", greet), Route("/{path:path}", echo, methods=methods)])
    access = Access(frozenset({"localhost"}), None, "X-Forwarded-User", (ip_network("127.0.0.1"),))
    reports, ui = free_port(), free_port()
    with served(WebGuard(app, access)) as guarded, served(app) as receiver:
        replaced = {
            "/etc/nginx/assignment-reports": str(folder),
            "/srv/assignment-reports": str(folder / "reports"),
            "listen 443": f"listen {reports}",
            "listen 8443": f"listen {ui}",
            "webserver:3000": guarded.removeprefix("http://"),
            "webhooks:8080": receiver.removeprefix("http://"),
        }
        with (
            nginx(folder, replaced),
            httpx.Client(base_url=f"https://localhost:{reports}", verify=tls) as readers,
            httpx.Client(base_url=f"https://localhost:{ui}", verify=tls) as operators,
        ):
            yield Proxy(readers, operators, tls)


def test_readers_see_reports_and_nothing_else(proxy: Proxy) -> None:
    assert proxy.reports.get("/index.html").status_code == 401
    assert proxy.reports.get("/index.html", auth=OPERATOR).status_code == 401
    assert "Reports" in proxy.reports.get("/", auth=READER).text
    assert proxy.reports.get("/acme/.lock", auth=READER).status_code == 404
    assert proxy.reports.post("/index.html", auth=READER).status_code == 403
    assert proxy.ui.get("/", auth=READER).status_code == 401


def test_webhooks_need_no_login(proxy: Proxy) -> None:
    assert proxy.reports.post("/webhooks/acme", json={}).status_code == 200


def test_the_guard_learns_who_has_logged_in_from_nginx_only(proxy: Proxy) -> None:
    assert proxy.ui.get("/runs", headers={"X-Forwarded-User": "root"}).status_code == 401
    seen = proxy.ui.get("/runs", auth=OPERATOR, headers={"X-Forwarded-User": "root"})
    assert seen.status_code == 200
    assert seen.json()["x-forwarded-user"] == "ann"
    assert "authorization" not in seen.json()


def test_the_guard_compares_the_origin_with_the_address_in_the_browser(proxy: Proxy) -> None:
    own = str(proxy.ui.base_url)
    for origin, status in {own: 200, str(proxy.reports.base_url): 403, "https://evil.example": 403}.items():
        sent = proxy.ui.post("/graphql", json={}, auth=OPERATOR, headers={"Origin": origin})
        assert sent.status_code == status, origin


def test_websockets_are_passed_on(proxy: Proxy) -> None:
    user, password = OPERATOR
    address = str(proxy.ui.base_url).replace("https://", f"wss://{user}:{password}@")
    with connect(f"{address}/graphql", ssl=proxy.tls, proxy=None) as socket:
        assert socket.recv() == "hello"
