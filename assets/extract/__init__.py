"""The extract stage: raw rows to contract rows, and rejected rows with their reasons."""
