"""Target files of products that are known, each tried against that product."""

from __future__ import annotations

from importlib.resources import files

NAMES = ("free5gc", "open5gs")


def ready(name: str, package: str = __name__) -> str:
    """The text of a product's target file. KeyError: the product is not known."""
    if name not in NAMES:
        raise KeyError(name)
    return (files(package) / f"{name}.toml").read_text("utf-8")
