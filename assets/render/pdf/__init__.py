"""The PDF of a report: WeasyPrint lays out the report, `printed_log.py` its log."""
