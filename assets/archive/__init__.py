"""The archive stage: keeps every version of every report, and a catalog of them."""
