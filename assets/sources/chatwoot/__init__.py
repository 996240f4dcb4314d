"""Chatwoot: its database, whose activity messages tell of assignments, and its webhooks."""
