"""From ASN.1 identifiers to Python names."""

from __future__ import annotations

import keyword
import re

_KNOWN = (
    "QoS QoE IoT NRPPa IPsec ProSe RedCap EUTRAN EUTRA NGRAN PLMN NSSAI SNPN MBS PDU RAN eNB gNB A2X V2X"
    " X2AP XnAP 5GC UE(?=to|sub) CN(?=p|s) CE(?=mode) NR(?=enc|int|pag)"
)
# In this order: acronyms in the plural (DRBs), words whose capitals mislead, acronyms, words, digits.
_WORD = re.compile(
    rf"[A-Z]{{2,}}s(?![a-z])|{'|'.join(_KNOWN.split())}|[A-Z]+[0-9]*(?![a-z])"
    r"|[A-Z]?[a-z]+(?=[eg]NB)|[A-Z]?[a-z]+[0-9]*|[0-9]+"
)


def attribute_name(identifier: str) -> str:
    """`AMF-UE-NGAP-ID` -> `amf_ue_ngap_id`, `pLMNIdentity` -> `plmn_identity`, `dRBsToQos` -> `drbs_to_qos`."""
    if len(identifier) > 1 and identifier[0].islower() and identifier[1].isupper():
        identifier = identifier[0].upper() + identifier[1:]
    name = "_".join(word.lower() for word in _WORD.findall(identifier))
    return name + "_" if keyword.iskeyword(name) else name


def class_name(identifier: str) -> str:
    """`GlobalGNB-ID` -> `GlobalGNBID`."""
    name = re.sub(r"[^A-Za-z0-9]", "", identifier)
    return name[:1].upper() + name[1:]
