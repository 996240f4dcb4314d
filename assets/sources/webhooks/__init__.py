"""Webhooks of any system: the receiver, the inbox that keeps what it accepted, signatures."""
