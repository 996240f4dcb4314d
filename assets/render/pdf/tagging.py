"""Tags for screen readers that WeasyPrint 70 does not write: header scopes, links, and rows of the log."""

from collections.abc import Sequence
from typing import Any

import pydyf


def repair_tags(pdf: pydyf.PDF) -> None:
    """Set the scope of each header cell and the print flag of links, which WeasyPrint omits.

    Source: ISO 14289-1, 7.5 and 7.18.1.
    """
    elements = _structure_elements(pdf)
    for element in elements.values():
        if element["S"] == "/TH":
            section = elements[elements[element["P"]]["P"]]
            element["A"]["Scope"] = "/Column" if section["S"] == "/THead" else "/Row"
    for dictionary in find_dictionaries(pdf):
        if dictionary.get("Subtype") == "/Link":
            dictionary["F"] = 4


def tag_rows(pdf: pydyf.PDF, pages: Sequence[pydyf.Dictionary], marks: Sequence[range]) -> None:
    """Add row and cell elements to the last table of *pdf*, which has a header and no rows.

    *marks* has for each of *pages* the numbers of its cells in the page's content, row by row.
    """
    elements = list(_structure_elements(pdf).values())
    body = next(element for element in reversed(elements) if element["S"] == "/TBody")
    table = [element for element in elements if element["P"] == body["P"]]
    head = next(element for element in reversed(table) if element["S"] == "/THead")
    titles = next(element for element in elements if element["P"] == head.reference)
    headers = [element for element in elements if element["P"] == titles.reference]
    numbers = next(dictionary for dictionary in find_dictionaries(pdf) if "Nums" in dictionary)["Nums"]
    for page, cells in zip(pages, marks, strict=True):
        if cells.start:  # the page of the header
            parents = numbers[numbers.index(page["StructParents"]) + 1]
        else:
            page["StructParents"] = max(numbers[::2]) + 1
            parents = pydyf.Array()
            numbers.extend((page["StructParents"], parents))
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
            parents += kids


class _Element(pydyf.Object):
    """An element of the structure tree, serialized at once, as each row has nine of them."""

    data = b""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__()
        self.data = data


def _structure_elements(pdf: pydyf.PDF) -> dict[bytes, Any]:
    """Return WeasyPrint's elements of the structure tree, by reference."""
    return {
        dictionary.reference: dictionary
        for dictionary in find_dictionaries(pdf)
        if "S" in dictionary and "P" in dictionary
    }


def find_dictionaries(pdf: pydyf.PDF) -> list[Any]:
    """Return the objects of *pdf* that are dictionaries."""
    return [object_ for object_ in pdf.objects if isinstance(object_, dict)]
