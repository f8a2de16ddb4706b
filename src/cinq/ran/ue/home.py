"""What the home network says to the UE through whichever network serves it, under K_AUSF: steering of roaming and UE
parameters update (TS 33.501 §6.14 and §6.15, TS 24.501 §5.4.5.3.3 d) and i), §9.11.3.51 and §9.11.3.53A).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from cinq.crypto import kdf
from cinq.wire.nas.ie.transport import SorContainer

_COUNTER_AT, _LIST_AT = 17, 19
_ACKNOWLEDGEMENT, _UPU_ACK, _UPU_REG = 1, 2, 4
_SOR_CMCI_SUPPORTED = 2
_TYPE = 0x0F  # UE parameters update data set type, in the low half of its octet


class NotFromHome(Exception):
    """The contents are discarded: why."""


@dataclass(frozen=True, slots=True)
class Update:
    """acknowledgement: what goes back, None where none is asked for. registers_anew: the REG bit was set."""

    acknowledgement: bytes | None
    registers_anew: bool


@dataclass(slots=True)
class HomeNetwork:
    """kausf: of the last authentication, 32 octets, b"" before the first. The counters are of its lifetime.

    steering: the last list of preferred PLMNs, or secured packet; parameters: update data sets by type (1 is the
    routing indicator in a secured packet, 2 the default configured NSSAI).
    """

    kausf: bytes = field(default=b"", repr=False)
    sor_counter: int = 0
    upu_counter: int = 0
    steering: bytes = b""
    parameters: dict[int, bytes] = field(default_factory=dict)

    def renewed(self, kausf: bytes) -> None:
        """A newly derived K_AUSF is stored: both counters begin again (§6.14.2.3, §6.15.2.2)."""
        self.kausf, self.sor_counter, self.upu_counter = kausf, 0, 0

    def steer(self, container: SorContainer) -> SorContainer | None:
        """The acknowledgement where one is asked for. NotFromHome: its MAC or its counter is not right."""
        counter = container.counter
        if container.is_acknowledgement or counter is None:
            raise NotFromHome("a SOR acknowledgement from the network")
        self._check(
            counter,
            self.sor_counter,
            container.mac,
            kdf.sor_mac_iausf(self.kausf, container.header, counter, container.contents),
        )
        self.sor_counter, self.steering = counter, container.contents
        if not container.acknowledgement_requested:
            return None
        header = _ACKNOWLEDGEMENT | _SOR_CMCI_SUPPORTED
        return SorContainer(header, kdf.sor_mac_iue(self.kausf, counter))

    def update(self, octets: bytes) -> Update:
        """A UE parameters update transparent container, from its header on. NotFromHome as above, or cut short."""
        if len(octets) < _LIST_AT or octets[0] & _ACKNOWLEDGEMENT:
            raise NotFromHome(f"{len(octets)} octets that are no UE parameters update")
        header, mac, data = octets[0], octets[1:_COUNTER_AT], octets[_LIST_AT:]
        counter = int.from_bytes(octets[_COUNTER_AT:_LIST_AT], "big")
        self._check(counter, self.upu_counter, mac, kdf.upu_mac_iausf(self.kausf, data, counter))
        sets = _data_sets(data)
        self.upu_counter = counter
        self.parameters |= sets
        answer = None
        if header & _UPU_ACK:
            answer = bytes((_ACKNOWLEDGEMENT,)) + kdf.upu_mac_iue(self.kausf, counter)
        return Update(answer, bool(header & _UPU_REG))

    def _check(self, counter: int, stored: int, mac: bytes, wanted: bytes) -> None:
        if not self.kausf:
            raise NotFromHome("there is no K_AUSF: the UE was never authenticated")
        if not hmac.compare_digest(mac, wanted):
            raise NotFromHome("its MAC is not that of the home network")
        if counter <= stored:
            raise NotFromHome(f"counter: found {counter}, wanted more than {stored}")


def _data_sets(data: bytes) -> dict[int, bytes]:
    """UE parameters update list: type, length of two octets, contents, again and again."""
    sets, at = dict[int, bytes](), 0
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 3], "big")
        if at + 3 + size > len(data):
            raise NotFromHome(f"update list: {len(data)} octets, a data set of {size} at octet {at}")
        sets[data[at] & _TYPE] = data[at + 3 : at + 3 + size]
        at += 3 + size
    return sets
