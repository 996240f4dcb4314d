"""The render stage: a `Report` to bytes. It decides how things look, never what is said."""
