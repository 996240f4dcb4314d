"""The state database: what a deployment remembers beside its files, as tables and their migrations."""
