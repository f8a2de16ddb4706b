"""What a network is made of, and what each part is called on the SBI."""

from __future__ import annotations

import uuid

NAMESPACE = uuid.UUID("5c1b7f0e-6d0b-4b7a-9a39-6f6a3cf0c1a9")
PARTS = {
    "nrf": "NRF",
    "scp": "SCP",
    "udr": "UDR",
    "udm": "UDM",
    "ausf": "AUSF",
    "nssf": "NSSF",
    "bsf": "BSF",
    "pcf": "PCF",
    "nef": "NEF",
    "eir": "5G_EIR",
    "chf": "CHF",
    "sepp": "SEPP",
    "upf": "",
    "smf": "SMF",
    "amf": "AMF",
}
"""What a network is made of, in the order of its start: the name of each part, and its NF type on the SBI."""
ALL = frozenset(PARTS)


def identity(network: str, nf_type: str) -> str:
    """The instance identifier of a function: the same in each process, and after a restart."""
    return str(uuid.uuid5(NAMESPACE, f"{network}/{nf_type}"))
