"""What a handover changes of a UE's keys, at the emulated gNB and UE (TS 33.501 §6.9.2.3.4, TS 24.501 §9.11.2.6).

The network's side is derived here from the key derivation function of TS 33.220 alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import nia
from cinq.crypto.nas_security import DOWNLINK, UPLINK, NasSecurity
from cinq.procedure import Refused, run_virtual
from cinq.ran.radio.port import Reconfiguration
from cinq.ran.ue import Ue
from cinq.ran.ue.security import Discarded
from cinq.wire import nas, ngap

from .core import CoreUe, settle
from .mobility import Pair
from .test_ue_moves import chain

Change = Callable[[nas.IntraN1Container], nas.IntraN1Container]
SAME: Change = lambda container: container  # noqa: E731


def kdf(key: bytes, s: str) -> bytes:
    return hmac.digest(key, bytes.fromhex(s), "sha256")


class Keys:
    """The network's keys of a UE in a handover."""

    def __init__(
        self, ue: CoreUe, ksi: int, new_kamf: bool = True, integrity: int = 2, ciphering: int = 2
    ) -> None:
        count = ue.security.dl_count
        self.kamf = kdf(ue.kamf, f"72 01 0001 {count:08x} 0004") if new_kamf else ue.kamf
        knasint = kdf(self.kamf, f"69 02 0001 {integrity:02x} 0001")[16:]
        knasenc = kdf(self.kamf, f"69 01 0001 {ciphering:02x} 0001")[16:]
        self.security = NasSecurity(integrity, ciphering, knasint, knasenc)
        if not new_kamf:
            self.security.ul_count, self.security.dl_count = ue.security.ul_count, count + 1
        self.kgnb = kdf(self.kamf, "6e ffffffff 0004 01 0001")
        plain = nas.IntraN1Container(ciphering, integrity, nas.NgKsi(ksi), count & 0xFF, new_kamf)
        mac = nia.mac(integrity, knasint, 0xFFFFFFFF, 1, 1, plain.protected)
        self.container = msgspec.structs.replace(plain, mac=mac)

    def tell(self, change: Change = SAME) -> Callable[[ngap.HandoverRequest], None]:
        def changed(request: ngap.HandoverRequest) -> None:
            request.nasc = change(self.container).octets
            if self.container.new_kamf:
                request.new_security_context_ind = "true"
                request.security_context = ngap.SecurityContext(
                    next_hop_chaining_count=0, next_hop_nh=int.from_bytes(self.kgnb, "big")
                )

        return changed


def ksi_of(ue: Ue) -> int:
    return ue.security.ng_ksi.value


def alike(ue: Ue, theirs: NasSecurity) -> None:
    """Both ends protect and read alike."""
    current = ue.security.current
    assert current is not None
    down, up = nas.encode(nas.FiveGMMStatus(cause=98)), b"\x7e\x00\x64\x62"
    assert ue.security.open(theirs.protect(down, 2, DOWNLINK)).checked
    assert theirs.verify(current.nas.protect(up, 2, UPLINK), UPLINK) == up


def test_another_kamf() -> None:
    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        keys = Keys(pair.ue, ksi_of(ue))
        ksi, before = ksi_of(ue), ue.security.current
        assert before is not None
        old = before.keys.kamf
        pair.change_request = keys.tell()
        there = await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        await settle()
        current = ue.security.current
        assert current is not None
        assert current.keys.kamf == keys.kamf != old
        assert ksi_of(ue) == ksi
        assert (current.nas.ul_count, current.nas.dl_count) == (0, 0)
        cell = pair.gnbs[1].n2.cells[0]
        star = kdf(keys.kgnb, f"70 {cell.pci:04x} 0002 {cell.arfcn:06x} 0003")
        assert (star, 0) == chain(ue) == (there.kgnb, there.context.keys.used_ncc)
        alike(ue, keys.security)

    run_virtual(main())


@pytest.mark.parametrize(("integrity", "ciphering"), [(1, 0), (3, 3), (2, 1)])
def test_other_algorithms_alone(integrity: int, ciphering: int) -> None:
    """The COUNTs go on, the downlink one from that of the container; the key chain does as in any handover."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        keys = Keys(pair.ue, ksi_of(ue), False, integrity, ciphering)
        pair.change_request = keys.tell()
        there = await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        await settle()
        current = ue.security.current
        assert current is not None
        assert (current.nas.integrity, current.nas.ciphering) == (integrity, ciphering)
        assert current.nas.ul_count == keys.security.ul_count > 0
        assert current.nas.dl_count == keys.security.dl_count
        assert chain(ue) == (there.kgnb, 1)
        alike(ue, keys.security)

    run_virtual(main())


FALSE: dict[str, Change] = {
    "mac": lambda c: msgspec.structs.replace(c, mac=bytes(b ^ 1 for b in c.mac)),
    "no mac": lambda c: msgspec.structs.replace(c, mac=bytes(4)),
    "other keys": lambda c: msgspec.structs.replace(c, ng_ksi=nas.NgKsi(c.ng_ksi.value ^ 1)),
    "mapped keys": lambda c: msgspec.structs.replace(c, ng_ksi=nas.NgKsi(c.ng_ksi.value, mapped=True)),
    "another count": lambda c: msgspec.structs.replace(c, sequence_number=c.sequence_number ^ 1),
    "no integrity": lambda c: msgspec.structs.replace(c, integrity=0),
    "unknown algorithm": lambda c: msgspec.structs.replace(c, ciphering=6),
    "flag taken away": lambda c: msgspec.structs.replace(c, new_kamf=False),
}


@pytest.mark.parametrize("what", FALSE)
@pytest.mark.parametrize("new_kamf", [True, False])
def test_a_container_that_does_not_hold(what: str, new_kamf: bool) -> None:
    """The handover is given up (HANDOVER CANCEL), and the UE goes on where it is with the keys that it has."""
    if what == "flag taken away" and not new_kamf:
        pytest.skip("the flag is not set")

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        told: list[str] = []
        ue.on_trouble = lambda _, __, why: told.append(str(why))
        keys = Keys(pair.ue, ksi_of(ue), new_kamf)
        before, key = ue.security.current, chain(ue)
        pair.change_request = keys.tell(FALSE[what])
        with pytest.raises(Refused, match="did not arrive"):
            await pair.gnbs[0].hand_over(pair.context_at(0), pair.gnbs[1].cells[0])
        await settle()
        assert "HandoverCancel" in pair.source.names()
        assert "HandoverNotify" not in pair.target.names()
        assert "NAS container" in told[0]
        assert ue.security.current is before
        assert chain(ue) == key == (pair.context_at(0).kgnb, 0)
        assert ue.link.connected
        pair.ue.security.dl_count += 1  # the container has used one up
        alike(ue, pair.ue.security)

    run_virtual(main())


def test_a_new_chain_without_a_container() -> None:
    """keySetChangeIndicator alone: K_gNB of the KAMF in use and the last SECURITY MODE COMPLETE (§6.9.4.4)."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        kgnb = pair.context.kgnb

        def changed(request: ngap.HandoverRequest) -> None:
            request.new_security_context_ind = "true"
            request.security_context = ngap.SecurityContext(
                next_hop_chaining_count=0, next_hop_nh=int.from_bytes(kgnb, "big")
            )

        pair.change_request = changed
        await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        await settle()
        cell = pair.gnbs[1].n2.cells[0]
        assert chain(ue) == (kdf(kgnb, f"70 {cell.pci:04x} 0002 {cell.arfcn:06x} 0003"), 0)

    run_virtual(main())


def test_a_new_chain_by_a_path_switch() -> None:
    """§6.9.2.3.2: the gNB takes the pair of the PATH SWITCH REQUEST ACKNOWLEDGE into use at once, in its cell."""

    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        kgnb = pair.context.kgnb
        pair.new_chain = kgnb
        there = await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        await settle()
        cell = pair.gnbs[1].n2.cells[0]
        assert chain(ue) == (kdf(kgnb, f"70 {cell.pci:04x} 0002 {cell.arfcn:06x} 0003"), 0)
        assert there.kgnb == chain(ue)[0]
        await pair.gnbs[1].hand_over(there, pair.gnbs[0].cells[0])
        await settle()
        assert pair.context.kgnb == chain(ue)[0]

    run_virtual(main())


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.binary(min_size=1, max_size=20), st.booleans())
def test_any_container(octets: bytes, new_key: bool) -> None:
    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        before, key = ue.security.current, chain(ue)
        with pytest.raises(Discarded):
            ue.security.hand_over(Reconfiguration(1, 2, 3, new_key, octets), ue.capability)
        assert ue.security.current is before
        assert chain(ue) == key

    run_virtual(main())
