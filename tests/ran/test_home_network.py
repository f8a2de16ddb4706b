"""What the home network tells a UE under K_AUSF: steering of roaming and parameters update (TS 33.501 §6.14, §6.15,
annexes A.17 to A.20, TS 24.501 §5.4.5.3.3 d) and i), §5.5.1.2.4)."""

from __future__ import annotations

import asyncio
import hmac
from hashlib import sha256

import pytest

from cinq.crypto import kdf
from cinq.numbering import Suci
from cinq.ran.ue import Ue
from cinq.ran.ue.home import HomeNetwork, NotFromHome
from cinq.wire import nas
from cinq.wire.nas import PayloadContainerType
from cinq.wire.nas.ie.transport import SorContainer, sor_acknowledgement, sor_container

from .core import Core, CoreUe, Radio, settle
from .test_nas_rules import gmm, play, registered

PLMNS = bytes.fromhex("99f9078000")  # 999 70 with NG-RAN
KAUSF = bytes(range(32))
SOR, UPU = (
    PayloadContainerType.SOR_TRANSPARENT_CONTAINER,
    PayloadContainerType.UE_PARAMETERS_UPDATE_TRANSPARENT_CONTAINER,
)


def kausf_of(at_core: CoreUe) -> bytes:
    assert at_core.vector is not None
    return at_core.vector.kausf


def steering(kausf: bytes, counter: int, header: int = 0b1110) -> SorContainer:
    """A list of preferred PLMNs; bit 4 of the header asks for an acknowledgement."""
    return SorContainer(header, kdf.sor_mac_iausf(kausf, header, counter, PLMNS), counter, PLMNS)


def update(kausf: bytes, counter: int, header: int, data: bytes = bytes.fromhex("0200020101")) -> bytes:
    """By default one set: default configured NSSAI, of one S-NSSAI."""
    return bytes((header,)) + kdf.upu_mac_iausf(kausf, data, counter) + counter.to_bytes(2, "big") + data


def down(core: Core, at_core: CoreUe, kind: int, contents: bytes) -> None:
    core.down(at_core, nas.DLNASTransport(payload_container_type=kind, payload_container=contents))


def payloads(core: Core) -> list[bytes]:
    return [m.payload_container for m in gmm(core, nas.ULNASTransport) if isinstance(m, nas.ULNASTransport)]


def test_the_functions_of_the_annexes() -> None:
    """HMAC-SHA-256 over FC and the parameters with their lengths, its last 16 octets, by the library."""

    def wanted(text: str) -> bytes:
        return hmac.new(KAUSF, bytes.fromhex(text), sha256).digest()[16:]

    assert kdf.sor_mac_iausf(KAUSF, 0x0E, 1, PLMNS) == wanted("77 0e 0001 0001 0002 99f9078000 0005")
    assert kdf.sor_mac_iausf(KAUSF, 0x08, 1, b"") == wanted("77 08 0001 0001 0002")
    assert kdf.sor_mac_iue(KAUSF, 1) == wanted("78 01 0001 0001 0002")
    assert kdf.upu_mac_iausf(KAUSF, PLMNS, 2) == wanted("7b 99f9078000 0005 0002 0002")
    assert kdf.upu_mac_iue(KAUSF, 2) == wanted("7c 01 0001 0002 0002")


def test_steering_after_registration() -> None:
    """Acknowledged with SoR-MAC-IUE; the same container again, another's and an older one are discarded."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        kausf, home = kausf_of(at_core), ue.security.home
        down(core, at_core, SOR, sor_container.encode(steering(kausf, 2)))
        await settle()
        assert home.steering == PLMNS
        (octets,) = payloads(core)
        answer = sor_acknowledgement.decode(octets)
        assert answer.is_acknowledgement
        assert answer.mac == kdf.sor_mac_iue(kausf, 2)
        for wrong in (steering(kausf, 2), steering(kausf, 1), steering(KAUSF, 3)):
            down(core, at_core, SOR, sor_container.encode(wrong))
        down(core, at_core, SOR, b"\x0e")
        await settle()
        assert len(payloads(core)) == 1
        assert home.sor_counter == 2
        down(core, at_core, SOR, sor_container.encode(steering(kausf, 3, 0b0110)))
        await settle()
        assert len(payloads(core)) == 1  # no acknowledgement was asked for
        assert home.sor_counter == 3

    play(scene)


class Steering(Core):
    """Puts a SOR transparent container into each REGISTRATION ACCEPT. wrong: its MAC is another's."""

    def __init__(self, wrong: bool = False) -> None:
        super().__init__()
        self.wrong = wrong

    def nas(self, ue: CoreUe, message: nas.NasMessage, header: nas.SecurityHeader | None = None) -> bytes:
        if isinstance(message, nas.RegistrationAccept):
            container = steering(KAUSF if self.wrong else kausf_of(ue), 1)
            message = message.replace(sor_transparent_container=container)
        return super().nas(ue, message, header)


@pytest.mark.parametrize("wrong", [False, True])
def test_steering_at_registration(wrong: bool) -> None:
    """The acknowledgement is in REGISTRATION COMPLETE, which is due in any case."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        (complete,) = gmm(core, nas.RegistrationComplete)
        assert isinstance(complete, nas.RegistrationComplete)
        container = complete.sor_transparent_container
        if wrong:
            assert container is None
            assert not ue.security.home.steering
        else:
            assert container is not None
            assert container.mac == kdf.sor_mac_iue(kausf_of(at_core), 1)

    play(scene, Steering(wrong))


def test_parameters_update() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        kausf = kausf_of(at_core)
        down(core, at_core, UPU, update(kausf, 1, 0b010))
        await settle()
        assert ue.security.home.parameters == {2: b"\x01\x01"}
        assert payloads(core) == [b"\x01" + kdf.upu_mac_iue(kausf, 1)]
        for wrong in (
            update(kausf, 1, 0b010),
            update(KAUSF, 2, 0b010),
            update(kausf, 2, 0b010, b"\x02\x00\x09a"),
        ):
            down(core, at_core, UPU, wrong)
        down(core, at_core, UPU, b"\x02")
        await settle()
        assert len(payloads(core)) == 1

    play(scene)


def test_parameters_that_want_a_registration_anew() -> None:
    """Once it is idle the UE deregisters and registers with its SUCI."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        down(core, at_core, UPU, update(kausf_of(at_core), 9, 0b100))
        await settle()
        assert ue.link.connected
        before = len(gmm(core, nas.RegistrationRequest))
        radio.gnb.n2.forget(next(iter(radio.gnb.n2.ues.values())), "idle")
        await asyncio.sleep(30)
        assert gmm(core, nas.DeregistrationRequestUEOriginating)
        again = gmm(core, nas.RegistrationRequest)[before]
        assert isinstance(again, nas.RegistrationRequest)
        assert isinstance(again.mobile_identity, Suci)

    play(scene)


def test_new_keys_begin_the_counters_again() -> None:
    home = HomeNetwork(KAUSF)
    assert home.steer(steering(KAUSF, 7)) is not None
    assert home.update(update(KAUSF, 5, 0b010)).acknowledgement is not None
    home.renewed(bytes(32))
    assert (home.sor_counter, home.upu_counter) == (0, 0)
    with pytest.raises(NotFromHome, match="MAC"):
        home.steer(steering(KAUSF, 8))
    assert home.steer(steering(bytes(32), 1)) is not None


def test_without_keys_nothing_is_believed() -> None:
    with pytest.raises(NotFromHome, match="never authenticated"):
        HomeNetwork().steer(steering(b"", 1))
