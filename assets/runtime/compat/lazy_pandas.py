"""Arrow without pandas until a table becomes a frame: its first array would import it, a second a process.

To be imported by what makes arrays, before it does.
"""

import sys
from importlib.abc import MetaPathFinder
from typing import Any

import pyarrow as pa


class _Hidden(MetaPathFinder):
    """Say that there is no pandas."""

    def find_spec(self, fullname: str, _path: Any, _target: Any = None) -> None:
        """Raise ImportError for pandas."""
        if fullname == "pandas":
            raise ImportError(fullname)


if "pandas" not in sys.modules:
    sys.meta_path.insert(0, hidden := _Hidden())
    pa.array([])  # Arrow looks for pandas, and does not again until it is asked for a frame
    sys.meta_path.remove(hidden)
