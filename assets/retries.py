"""How Dagster tries a step again: a server restarts, a store is away, another process stored meanwhile.

Any step may be done again: days and versions are whole or not there, and what is there is found.
"""

import dagster as dg

SOON = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL)
