"""Delivery channels: SMTP, webhooks, chats and SFTP, each a `Transport` of `base.py`."""
