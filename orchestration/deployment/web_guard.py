"""The guard before Dagster's web server: it decides which requests reach it.

Dagster runs GraphQL mutations by GET, from any page and under any host name, and has no login. Without the
guard, a page that the operator opens in the same browser can launch and delete runs, even on loopback.
"""

import hmac
import logging
import re
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger("dagster.webserver")
_GRAPHQL, _OPEN_TO_ALL = "/graphql", "/server_info"
_MAX_LOGGED = 200
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Access:
    """The host names that are served, and the proofs of which a request must carry one, if there are any."""

    hosts: frozenset[str]
    token: str | None = None
    header: str | None = None
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()


class Refused(Exception):
    """A request that does not reach the application, with its HTTP status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class WebGuard:
    """An ASGI application that passes the requests which *access* allows on to *app*."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request with the reason, and let no other site frame the pages of the others."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Frame-Options"] = "SAMEORIGIN"
            await send(message)

        try:
            self._check(HTTPConnection(scope))
        except Refused as refused:
            _LOG.warning("refused %r with %s: %s", scope["path"][:_MAX_LOGGED], refused.status, refused)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})  # 403
            else:
                await self._response(refused)(scope, receive, send)
        else:
            await self._app(scope, receive, send_unframed)

    def _response(self, refused: Refused) -> PlainTextResponse:
        headers = {"Cache-Control": "no-store"}
        if refused.status == 401 and self._access.token is not None:  # noqa: PLR2004 - browsers then ask for it
            headers["WWW-Authenticate"] = 'Basic realm="Assignment Reports", charset="UTF-8"'
        return PlainTextResponse(f"{refused}\n", refused.status, headers)

    def _check(self, request: HTTPConnection) -> None:
        """Raise Refused where *request* may not reach the application."""
        name, port = _host_of(request.headers)
        if name not in self._access.hosts:
            raise Refused(421, "the host name in the address is not in `web.allowed_hosts`")
        if _is_from_another_site(request, name, port):
            raise Refused(403, "the request comes from a page of another site")
        if not self._is_admitted(request):
            raise Refused(401, "a login is required: `web.token`, or a proxy that sends `web.trusted_header`")
        if request.scope["type"] == "http":
            _check_method(request)

    def _is_admitted(self, request: HTTPConnection) -> bool:
        access = self._access
        has_login = access.token is not None or access.header is not None
        return (
            not has_login
            or request.scope["path"] == _OPEN_TO_ALL
            or (access.token is not None and _shows_token(request.headers, access.token))
            or (access.header is not None and self._is_from_proxy(request, access.header))
        )

    def _is_from_proxy(self, request: HTTPConnection, header: str) -> bool:
        """Return whether a trusted proxy, and nobody else, says who has logged in."""
        people = request.headers.getlist(header)
        if len(people) != 1 or not people[0].strip() or request.client is None:
            return False
        sender = ip_address(request.client.host)
        return any(sender in network for network in self._access.proxies)


def _host_of(headers: Headers) -> tuple[str, int | None]:
    """Return the host name and port of the address, in lower case. Raises Refused where there is not one."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not (match := _HOST.fullmatch(hosts[0].lower())):
        raise Refused(421, "the request must have one valid Host header")
    return match["name"].strip("[]"), int(match["port"]) if match["port"] else None


def _is_from_another_site(request: HTTPConnection, name: str, port: int | None) -> bool:
    """Return whether a page of another origin sent *request*; a link to the UI may be followed from anywhere.

    Browsers always send Origin with WebSockets and unsafe methods; a program sends neither header.
    """
    headers = request.headers
    if any(not _is_origin(origin, name, port) for origin in headers.getlist("origin")):
        return True
    if headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        return False
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (request.scope.get("method") in _SAFE_METHODS and is_link)


def _is_origin(origin: str, name: str, port: int | None) -> bool:
    """Return whether *origin* is that of the host *name* and *port*; a proxy may have taken off TLS."""
    try:
        url = urlsplit(origin)
        given = url.port
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(url.scheme)  # "null" has no scheme
    return default is not None and url.hostname == name and (given or default) == (port or default)


def _check_method(request: HTTPConnection) -> None:
    """Raise Refused where GET may change something, or where another page could send the same POST."""
    method = request.scope["method"]
    if method == "POST":
        types = [each.partition(";")[0].strip().lower() for each in request.headers.getlist("content-type")]
        if types != ["application/json"]:
            raise Refused(415, "the content type of a POST request must be application/json")
    elif method not in _SAFE_METHODS:
        raise Refused(405, f"the method {method} is not allowed")
    elif request.scope["path"] == _GRAPHQL and not all(
        map(_only_queries, request.query_params.getlist("query"))
    ):
        raise Refused(405, "GET runs GraphQL queries only: send anything else by POST, as JSON")


def _only_queries(document: str) -> bool:
    """Return whether each operation of a GraphQL *document* is a query."""
    try:
        definitions = parse(document).definitions
    except (GraphQLError, RecursionError):
        return False
    return all(
        isinstance(each, FragmentDefinitionNode)
        or (isinstance(each, OperationDefinitionNode) and each.operation is OperationType.QUERY)
        for each in definitions
    )


def _shows_token(headers: Headers, token: str) -> bool:
    """Return whether the bearer token, or the password of a browser's login, is *token*."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = b64decode(given, validate=True).decode().partition(":")[2]
        except (Base64Error, UnicodeDecodeError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), token.encode())
