"""respond.io: its webhooks, and snapshots of its contacts by its API."""
