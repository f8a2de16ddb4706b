"""Which NAS algorithms a UE gets, TS 33.501 §6.7.1.1."""

from __future__ import annotations

from functools import lru_cache

from cinq.wire import nas


@lru_cache(maxsize=1024)
def selected(
    integrity_: tuple[int, ...], ciphering_: tuple[int, ...], octets: bytes
) -> nas.NasAlgorithms | None:
    """By the network's priority, among what the UE has. octets: its UE security capability."""
    capability = nas.UeSecurityCapability(octets)
    ciphering = next((a for a in ciphering_ if a in capability.ea), None)
    integrity = next((a for a in integrity_ if a in capability.ia), None)
    if ciphering is None or integrity is None:
        return None
    return nas.NasAlgorithms(ciphering=ciphering, integrity=integrity)
