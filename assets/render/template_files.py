"""The folder of `templates/`: at the root of a checkout, inside this package in a wheel.

A wheel must not install a package called `templates`; pyproject.toml maps the folder.
"""

from pathlib import Path


def templates_folder() -> Path:
    """Return the folder of the templates, styles, scripts and message catalogs."""
    installed = Path(__file__).with_name("_templates")
    return installed if installed.is_dir() else Path(__file__).parents[2] / "templates"


TEMPLATES = templates_folder()
