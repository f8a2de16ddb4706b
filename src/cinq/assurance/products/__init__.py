"""Target files of products that are known, for the bench: each was tried against that product."""

from __future__ import annotations

from cinq.ran.scenarios import products

NAMES = products.NAMES


def ready(name: str) -> str:
    """The text of a product's target file. KeyError: the product is not known."""
    return products.ready(name, __name__)
