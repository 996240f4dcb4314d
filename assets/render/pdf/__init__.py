"""The PDF of a report: WeasyPrint sets the report, `printed_log.py` its log."""
