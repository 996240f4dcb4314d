"""A synthetic inbox for the demo and for tests: the same seed gives the same file.

It is not a configurable source: it writes the CSV file that the demo's `files` source reads.
"""

from assets.sources.synthetic.csv_file import write_events

__all__ = ["write_events"]
