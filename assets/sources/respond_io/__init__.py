"""respond.io: its webhooks, and snapshots of its contacts taken through its API."""
