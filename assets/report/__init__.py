"""The report stage: counts the figures of one report from the warehouse and returns a frozen `Report`."""
