"""Where the files of `templates/` are: at the root of a checkout, inside this package in a wheel.

A wheel must not install a package that is called `templates`; pyproject.toml says where it puts them.
"""

from pathlib import Path


def templates_folder() -> Path:
    """Return the folder of the templates, styles, scripts and words."""
    installed = Path(__file__).with_name("_templates")
    return installed if installed.is_dir() else Path(__file__).parents[2] / "templates"


TEMPLATES = templates_folder()
