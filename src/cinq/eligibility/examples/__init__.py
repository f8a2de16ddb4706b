"""Examples of policies, of an inventory and of what was seen of equipment. None is legal advice."""

from __future__ import annotations

from importlib import resources

POLICIES = ("ca-2022", "uk-2022", "us-covered-list", "eu-csa2-proposed")
NAMES = (*POLICIES, "inventory", "observed")


def text(name: str) -> str:
    """One of NAMES: TOML, or CSV of what was seen."""
    kind = "csv" if name == "observed" else "toml"
    return resources.files(__package__).joinpath(f"{name}.{kind}").read_text("utf-8")
