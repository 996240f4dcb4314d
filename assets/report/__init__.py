"""The report stage: decides what is said. Numbers in, one frozen `Report` out."""
