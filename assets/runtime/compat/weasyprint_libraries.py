"""WeasyPrint without a compiler: the loader of Linux finds its libraries, a quarter of a second sooner.

To be imported before WeasyPrint, which first tries names that other systems have. For each that is not there
ctypes starts `ldconfig`, `gcc` and `ld`; whatever they find has a name that WeasyPrint tries later.
"""

import ctypes.util
import sys

if sys.platform == "linux":
    find_library = ctypes.util.find_library
    ctypes.util.find_library = lambda name: None  # noqa: ARG005 - so it is called
    try:
        import weasyprint.text.ffi  # noqa: F401 - loads them
    finally:
        ctypes.util.find_library = find_library
