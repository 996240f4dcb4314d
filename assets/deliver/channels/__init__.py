"""The ways out: SMTP, webhooks, Slack and SFTP, each a transport behind `base.py`."""
