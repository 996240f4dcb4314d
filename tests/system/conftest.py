"""The loaded inbox of the tests of rendering, and its reports opened in a browser."""

from tests.render.conftest import acme, open_page

__all__ = ["acme", "open_page"]
