"""The archive stage: stores every version of every report, and the catalog of them."""
