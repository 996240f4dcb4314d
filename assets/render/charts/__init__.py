"""Charts: matplotlib figures, drawn once as SVG and as operators of a PDF page."""
