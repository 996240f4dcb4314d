"""The render stage: turns a `Report` into bytes. It decides layout and wording, never figures."""
