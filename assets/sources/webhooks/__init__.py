"""Webhooks of any system: the receiver, the inbox that stores what it accepted, signatures."""
