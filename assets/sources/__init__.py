"""The sources stage: readers of real systems, which yield Arrow batches for a window of time.

Add one module per kind of system. A source reports what it read and where; `extract` decides which rows are
events.
"""
