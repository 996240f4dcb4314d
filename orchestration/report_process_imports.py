"""The heavy imports of report processes: the fork server imports this module once, before it forks them.

Imports leave no garbage: collecting takes a fifth of their time. Report processes collect between reports.
"""

import atexit
import gc
import os
from importlib import import_module

gc.disable()
for _name in ("pandas", "jinja2", "assets.archive.publish", "assets.render.pdf.document"):
    import_module(_name)
gc.freeze()
atexit.register(
    os._exit, 0
)  # it has nothing to clean up, and readers of its parent's output wait for its end
