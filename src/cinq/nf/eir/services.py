"""N5g-eir_EquipmentIdentityCheck (TS 29.511 §5.2): what lists, and policies of eligibility, say of equipment."""

from __future__ import annotations

import re
import shlex

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.eir import lists
from cinq.nf.eir.lists import Entry
from cinq.nf.eir.settings import Settings
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import InvalidParam, Problem
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.n5g_eir import EirResponseData, N5gEirEquipmentIdentityCheck

PEI = re.compile(r"imei-(\d{14})\d|imeisv-(\d{16})", re.ASCII)
"""The digits that count: the check digit of an IMEI may be 0 as sent (TS 23.003 §6.2.1)."""
CLAIM = "imei-", "imeisv-"


class EIR:
    """A single phone's entry counts first, then what a policy says of its type allocation code, then entries about many
    phones. What is on no list is as the settings say. A PEI is a claim: nothing proves it."""

    def __init__(self, settings: Settings, store: Store, instance_id: str, gate: Gate = OPEN) -> None:
        self._settings, self._store, self._gate = settings, store, gate
        self.instance_id = instance_id
        self._mark = b"none yet"
        self._seen = lists.mark(store)
        self._ranges: list[Entry] = []

    def services(self) -> list[tuple[type, object]]:
        return [(N5gEirEquipmentIdentityCheck, self)]

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="5G_EIR", nf_status="REGISTERED")

    def have_changed(self) -> bool:
        """Whether the lists are others than when this was asked last."""
        before, self._seen = self._seen, lists.mark(self._store)
        return before != self._seen

    async def get_equipment_status(self, pei: str, supi: str | None, gpsi: str | None) -> EirResponseData:
        """TS 29.511 §5.2.2.2. Equipment that has another identity than an IMEI is on no list."""
        found = PEI.fullmatch(pei)
        if found is None:
            if pei.startswith(CLAIM):
                why = Why(f"found the PEI {pei[:40]!r}, wanted imei- and 15 digits or imeisv- and 16")
                raise Problem(400, "MANDATORY_QUERY_PARAM_INCORRECT", why, InvalidParam(param="pei"))
            return EirResponseData(status=self._settings.unlisted)
        digits = str(found[1] or found[2])
        listed = lists.find(self._store, digits)
        if listed is not None and len(listed.what) >= 14:
            return _by(listed)
        ruling = self._gate.terminal(digits[:8])
        if ruling.action != "admit":
            return EirResponseData(
                status="BLACKLISTED", why=str(ruling.reason), mend=ruling.reason.mend, may_stay=ruling.drains
            )
        listed = listed or self._in_range(digits[:8])
        if listed is not None:
            return _by(listed)
        if ruling.why is not None:  # reviewed, or only audited: the door is open, and somebody looks
            return EirResponseData(status="GREYLISTED", why=f"it would be kept out: {ruling.why}")
        return EirResponseData(status=self._settings.unlisted)

    def _in_range(self, code: str) -> Entry | None:
        mark = lists.mark(self._store)
        if mark != self._mark:
            self._mark, self._ranges = mark, lists.ranges(self._store)
        return next((one for one in self._ranges if one.what[:8] <= code <= one.what[9:]), None)


def _by(listed: Entry) -> EirResponseData:
    if listed.status == "WHITELISTED":
        return EirResponseData(status=listed.status)
    note = f" ({listed.note})" if listed.note else ""
    why = f"equipment {listed.shown} is on the {listed.status[:-6].lower()} list of the 5G-EIR{note}"
    return EirResponseData(status=listed.status, why=why, mend=f"cinq eir remove {shlex.quote(listed.shown)}")
