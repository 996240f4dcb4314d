"""What screen readers are told in a PDF beyond what WeasyPrint 70 tells them."""

from collections.abc import Sequence
from typing import Any

import pydyf


def mend_tags(pdf: pydyf.PDF) -> None:
    """Tell of each header cell what it heads, and let links be printed; WeasyPrint leaves out both.

    Source: ISO 14289-1, 7.5 and 7.18.1.
    """
    elements = _structure_elements(pdf)
    for element in elements.values():
        if element["S"] == "/TH":
            section = elements[elements[element["P"]]["P"]]
            element["A"]["Scope"] = "/Column" if section["S"] == "/THead" else "/Row"
    for each in find_dictionaries(pdf):
        if each.get("Subtype") == "/Link":
            each["F"] = 4


def tag_rows(pdf: pydyf.PDF, pages: Sequence[pydyf.Dictionary], marks: Sequence[range]) -> None:
    """Add rows to the last table of *pdf*, which has a header and no row: the *marks* of each of *pages*.

    A mark is the number of a cell in its page's content, row by row.
    """
    elements = list(_structure_elements(pdf).values())
    body = next(each for each in reversed(elements) if each["S"] == "/TBody")
    table = [each for each in elements if each["P"] == body["P"]]
    head = next(each for each in reversed(table) if each["S"] == "/THead")
    titles = next(each for each in elements if each["P"] == head.reference)
    headers = [each for each in elements if each["P"] == titles.reference]
    numbers = next(each for each in find_dictionaries(pdf) if "Nums" in each)["Nums"]
    for page, cells in zip(pages, marks, strict=True):
        if cells.start:  # the page of the header
            mapped = numbers[numbers.index(page["StructParents"]) + 1]
        else:
            page["StructParents"] = max(numbers[::2]) + 1
            mapped = pydyf.Array()
            numbers.extend((page["StructParents"], mapped))
        for start in cells[:: len(headers)]:
            row = _Element()
            pdf.add_object(row)
            kids = []
            for mark in range(start, start + len(headers)):
                cell = _Element(b"<</S/TD/P %b/Pg %b/K %d>>" % (row.reference, page.reference, mark))
                pdf.add_object(cell)
                kids.append(cell.reference)
            row.data = b"<</S/TR/P %b/K[%b]>>" % (body.reference, b" ".join(kids))
            body["K"].append(row.reference)
            mapped += kids


class _Element(pydyf.Object):
    """An element of the structure tree, written at once: there are nine in a row."""

    data = b""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__()
        self.data = data


def _structure_elements(pdf: pydyf.PDF) -> dict[bytes, Any]:
    """Return the elements of the structure tree that WeasyPrint made, by their references."""
    return {each.reference: each for each in find_dictionaries(pdf) if "S" in each and "P" in each}


def find_dictionaries(pdf: pydyf.PDF) -> list[Any]:
    """Return the objects of *pdf* that have keys."""
    return [each for each in pdf.objects if isinstance(each, dict)]
