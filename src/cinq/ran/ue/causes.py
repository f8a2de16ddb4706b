"""Causes in words."""

from __future__ import annotations

from cinq.wire.nas import GmmCause

_ACRONYMS = frozenset(
    ("UE", "ME", "PEI", "PLMN", "SNPN", "MAC", "NGKSI", "3GPP", "5GCN", "5GS", "DNN", "PDU", "IE", "CAG")
)


def cause_name(cause: int) -> str:
    """'5GMM cause #11 PLMN not allowed'."""
    if not isinstance(cause, GmmCause):
        return f"5GMM cause #{int(cause)}"
    words = [word if word in _ACRONYMS else word.lower() for word in cause.name.split("_")]
    text = " ".join(words)
    return f"5GMM cause #{int(cause)} {text[0].upper()}{text[1:]}"


def words(cause: int) -> str:
    """The number of a cause and what it means."""
    name = getattr(cause, "name", "unknown cause")
    return f"cause #{int(cause)} {str(name).replace('_', ' ').lower()}"
