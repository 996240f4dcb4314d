"""A synthetic inbox for the demo and for tests: the same seed gives the same events.

The demo's `files` source reads the CSV file that is written here; `source.py` is a source of its own, whose
events reach to the present.
"""

from assets.sources.synthetic.csv_file import write_events

__all__ = ["write_events"]
