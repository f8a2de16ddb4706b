"""The heading of a CSV file of subscribers, as all commands read it."""

from __future__ import annotations

from collections.abc import Iterable


def columns(fieldnames: Iterable[str | None] | None) -> list[str]:
    """Names in small letters without spaces around them; `supi` is the other name of `imsi`."""
    names = [(name or "").strip().lower() for name in fieldnames or ()]
    return names if "imsi" in names else ["imsi" if name == "supi" else name for name in names]
