"""Delivery channels: SMTP, webhooks, Slack and SFTP, each a `Transport` of `base.py`."""
