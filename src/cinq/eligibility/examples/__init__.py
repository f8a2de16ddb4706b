"""Examples of policies, and of an inventory. None is legal advice."""

from __future__ import annotations

from importlib import resources

NAMES = ("ca-2022", "uk-2022", "us-covered-list", "eu-csa2-proposed", "inventory")


def text(name: str) -> str:
    """One of NAMES, as TOML."""
    return resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
