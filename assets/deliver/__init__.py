"""The deliver stage: what is kept, and who gets it."""
