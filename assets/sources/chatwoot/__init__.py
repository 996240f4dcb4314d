"""Chatwoot: its database, whose activity messages state assignments, and its webhooks."""
