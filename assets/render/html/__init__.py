"""The HTML page of a report: its template, style, script and embedded log."""
