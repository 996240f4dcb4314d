"""The command line, one module per group of commands; `app.py` is its entry."""
