"""The state database: the catalog, deliveries and alerts of a deployment, as tables and their migrations."""
