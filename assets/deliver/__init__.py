"""The deliver stage: recipients, deliveries, channels and retention."""
