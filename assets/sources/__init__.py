"""The sources stage: reads real systems, a window at a time, as Arrow batches.

One module per kind of system. A source says what it read and where; what counts as an event is
decided in `extract`.
"""
