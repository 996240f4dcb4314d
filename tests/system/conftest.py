"""The loaded inbox of the tests of rendering, its reports opened in a browser, and a mail server."""

from tests.orchestration.conftest import server
from tests.render.conftest import acme, open_page

__all__ = ["acme", "open_page", "server"]
