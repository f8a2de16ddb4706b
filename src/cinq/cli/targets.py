"""Target files of products that are known, as the verbs that print them share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cinq.cli.output import Failure

Known = Annotated[
    str,
    typer.Argument(
        help="A product that is known: open5gs or free5gc; any other if left out.", show_default=False
    ),
]


def known_target(product: str, ready: Callable[[str], str]) -> str:
    """The text of its file, by a function that raises KeyError for a product that it does not know."""
    try:
        return ready(product.lower())
    except KeyError:
        from cinq.ran.scenarios.products import NAMES

        what = f"no target file for {product!r}; there is one for {' and '.join(NAMES)}"
        raise Failure(what, "leave the name out: the file says of each key what it is") from None
