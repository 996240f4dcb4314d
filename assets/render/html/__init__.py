"""The HTML page of a report: template, style, script and the log that the page carries."""
