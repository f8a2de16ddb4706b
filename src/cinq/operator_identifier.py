"""DNNs with an operator identifier, TS 23.003 §9A: 'internet.mnc070.mcc999.gprs' is this operator's 'internet'."""

from __future__ import annotations

import re
from collections.abc import Collection

from cinq.numbering import PlmnId, dnn

_OPERATOR = re.compile(r"\.mnc(\d{3})\.mcc(\d{3})\.gprs$")


def network_identifier(text: str, plmns: Collection[PlmnId] | None = None) -> str:
    """A DNN without its operator identifier, TS 23.003 §9A and §9.1: 'internet' of 'internet.mnc070.mcc999.gprs'.

    plmns: whose operator identifier is left out; of another network, the DNN stays as it is. None: anyone's.
    """
    name = dnn(text)
    found = _OPERATOR.search(name)
    if found is None or found.start() == 0:
        return name
    if plmns is not None and not any((p.mnc.zfill(3), p.mcc) == found.groups() for p in plmns):
        return name
    return name[: found.start()]
