"""What a UE believes and what it refuses: integrity, authentication, security mode, rejects, timers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import aka, kdf
from cinq.numbering import Suci
from cinq.procedure import Aborted, Refused, run_virtual
from cinq.ran.ue import Ue, UeSettings
from cinq.wire import nas
from cinq.wire.nas import GmmCause, SecurityHeader

from .core import OPC, Core, CoreUe, K, Radio, settle

Scene = Callable[[Core, Radio, Ue], Coroutine[object, None, None]]


def play(scene: Scene, core: Core | None = None, ue: UeSettings = UeSettings()) -> None:  # noqa: B008  # frozen
    async def main() -> None:
        used = core or Core()
        radio = Radio(used)
        await radio.up()
        await scene(used, radio, radio.ue(ue))
        await settle()
        await radio.runtime.stop()

    run_virtual(main())


def gmm(core: Core, kind: type[nas.NasMessage]) -> list[nas.NasMessage]:
    return [m for ue in core.ues.values() for m in ue.plain if isinstance(m, kind)]


async def registered(core: Core, ue: Ue) -> CoreUe:
    await ue.register()
    await settle()
    return core.last()


# integrity, §4.4.4.2


def test_plain_after_secure_exchange_is_discarded() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        count = len(core.heard)
        for message in (
            nas.IdentityRequest(identity_type=nas.IdentityType.SUCI),
            nas.AuthenticationReject(),
            nas.RegistrationReject(cause=GmmCause.ILLEGAL_UE),
            nas.DeregistrationRequestUETerminated(deregistration_type=nas.DeregistrationType()),
        ):
            core.down(at_core, message, SecurityHeader.PLAIN)
            await settle()
        assert len(core.heard) == count
        assert ue.context.registered
        assert not ue.context.barred

    play(scene)


def test_forged_and_replayed_are_discarded() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        octets = core.nas(at_core, nas.IdentityRequest(identity_type=nas.IdentityType.IMEISV))
        core.down_octets(at_core, octets[:2] + bytes(4) + octets[6:])
        await settle()
        assert not gmm(core, nas.IdentityResponse)
        core.down_octets(at_core, octets)
        core.down_octets(at_core, octets)
        await settle()
        assert len(gmm(core, nas.IdentityResponse)) == 1

    play(scene)


def test_plain_identity_request_only_for_suci() -> None:
    class Curious(Core):
        def on_registration(self, ue: CoreUe, request: nas.RegistrationRequest) -> None:
            self.down(ue, nas.IdentityRequest(identity_type=nas.IdentityType.IMEI))
            self.down(ue, nas.IdentityRequest(identity_type=nas.IdentityType.SUCI))
            ue.request = request

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await settle()
        assert ue.context.registered
        assert len(gmm(core, nas.IdentityResponse)) == 1

    play(scene, Curious())


def test_unknown_message_gets_status() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        assert at_core.security is not None
        odd = at_core.security.protect(bytes.fromhex("7e007a"), SecurityHeader.INTEGRITY_CIPHERED, 1)
        core.down_octets(at_core, odd)
        core.down(at_core, nas.ServiceAccept())
        core.down(at_core, nas.FiveGMMStatus(cause=111))
        core.down(at_core, nas.RegistrationComplete())
        await settle()
        status = gmm(core, nas.FiveGMMStatus)
        assert [getattr(m, "cause", None) for m in status] == [97, 98, 97]

    play(scene)


# authentication, §5.4.1.3


class Challenger(Core):
    """Sends the vectors that a test prepares, then genuine ones."""

    def __init__(self, *vectors: Callable[[], tuple[bytes, bytes]], ksi: int | None = None) -> None:
        super().__init__()
        self.vectors = list(vectors)
        self.ksi = ksi
        self.failures: list[nas.AuthenticationFailure] = []

    def challenge(self, ue: CoreUe) -> None:
        if not self.vectors:
            super().challenge(ue)
            return
        rand, autn = self.vectors.pop(0)()
        ue.vector = aka.AuthenticationVector(rand, autn, b"", b"")
        self.down(ue, nas.AuthenticationRequest(ng_ksi=nas.NgKsi(1), abba=b"\0\0", rand=rand, autn=autn))

    def on_message(self, ue: CoreUe, message: nas.NasMessage) -> None:
        if isinstance(message, nas.AuthenticationFailure):
            self.failures.append(message)
            if message.auts is None:
                self.challenge(ue)
                return
        super().on_message(ue, message)


def vector(sqn: int, amf: bytes = b"\x80\0") -> Callable[[], tuple[bytes, bytes]]:
    def make() -> tuple[bytes, bytes]:
        rand = (sqn + 5).to_bytes(16, "big")
        found = aka.generate_vector(aka.functions("milenage"), K, OPC, rand, sqn, amf, kdf.snn("999", "70"))
        return found.rand, found.autn

    return make


def test_mac_failure() -> None:
    core = Challenger(lambda: (bytes(16), bytes(16)))

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        assert [f.cause for f in core.failures] == [GmmCause.MAC_FAILURE]

    play(scene, core)


def test_separation_bit() -> None:
    core = Challenger(vector(64, b"\0\0"))

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        assert [f.cause for f in core.failures] == [GmmCause.NON_5G_AUTHENTICATION_UNACCEPTABLE]

    core.sqn = 128
    play(scene, core)


def test_resynchronisation() -> None:
    core = Challenger(vector(64))

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        assert [f.cause for f in core.failures] == [GmmCause.SYNCH_FAILURE]
        assert core.sqn == 32 * 1000 + 64
        assert ue.usim.sqn == core.sqn

    play(scene, core, replace(UeSettings(), sqn=32 * 1000))


def test_three_failures_and_the_network_is_left() -> None:
    core = Challenger(*[lambda: (bytes(16), bytes(16))] * 25)

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        with pytest.raises(Refused):
            await ue.register()
        assert len(core.failures) == 15
        assert not ue.context.registered

    play(scene, core)


def test_same_challenge_same_answer() -> None:
    class Repeats(Core):
        def on_authentication_response(self, ue: CoreUe, message: nas.AuthenticationResponse) -> None:
            answers.append(message.res)
            if len(answers) == 1:
                assert ue.vector is not None
                self.down(
                    ue,
                    nas.AuthenticationRequest(
                        ng_ksi=nas.NgKsi(ue.ksi), abba=b"\0\0", rand=ue.vector.rand, autn=ue.vector.autn
                    ),
                )
            else:
                super().on_authentication_response(ue, message)

    answers: list[bytes | None] = []

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        assert len(answers) == 2
        assert answers[0] == answers[1]

    play(scene, Repeats())


def test_ngksi_in_use() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        rand, autn = vector(core.sqn + 64)()
        core.down(
            at_core,
            nas.AuthenticationRequest(ng_ksi=nas.NgKsi(at_core.ksi), abba=b"\0\0", rand=rand, autn=autn),
        )
        await settle()
        failure = gmm(core, nas.AuthenticationFailure)
        assert [getattr(m, "cause", None) for m in failure] == [GmmCause.NGKSI_ALREADY_IN_USE]

    play(scene)


def test_authentication_reject_bars_the_usim() -> None:
    class Rejects(Core):
        def on_authentication_response(self, ue: CoreUe, message: nas.AuthenticationResponse) -> None:
            self.down(ue, nas.AuthenticationReject())

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with pytest.raises(Refused):
            await ue.register()
        assert ue.context.barred

    play(scene, Rejects())


# rejects and timers, §5.5.1.2.5 and §5.5.1.2.7


@pytest.mark.parametrize("cause", [3, 11, 73])
def test_reject_is_final(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        core.reject_registration = cause
        with pytest.raises(Refused) as refused:
            await ue.register()
        assert isinstance(refused.value.answer, nas.RegistrationReject)
        assert f"#{cause}" in refused.value.reason
        assert bool(ue.context.barred) is (cause == 3)
        assert ue.is_idle

    play(scene)


def test_reject_of_an_identity_brings_a_suci() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        core.release(core.last())
        await settle()
        core.by_guti.clear()
        ue.security.delete()
        core.reject_registration = 9
        task = asyncio.create_task(ue.register(nas.RegistrationKind.PERIODIC))
        await settle(6)
        core.reject_registration = None
        await task
        requests = gmm(core, nas.RegistrationRequest)
        assert isinstance(requests[-1], nas.RegistrationRequest)
        assert ue.context.registered

    play(scene)


def test_silent_network_five_attempts() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        core.silent.add(nas.RegistrationRequest)
        start = asyncio.get_running_loop().time()
        with pytest.raises(Refused):
            await ue.register()
        assert core.names().count("InitialUEMessage") == 5
        assert asyncio.get_running_loop().time() - start == pytest.approx(5 * 15 + 4 * 10, abs=1)
        assert not radio.gnb.links - {ue.link}
        assert not ue.link.connected

    play(scene)


def test_reject_that_needs_integrity() -> None:
    """#78 unprotected is not believed: T3510 runs out."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        class Once(Core):
            pass

        core.reject_registration = 78
        with pytest.raises(Refused) as refused:
            await ue.register()
        assert refused.value.answer is None

    play(scene)


def test_deregistration_by_network_with_return() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        await settle()
        at_core = core.last()
        again = nas.DeregistrationType(re_registration_required=True)
        core.down(at_core, nas.DeregistrationRequestUETerminated(deregistration_type=again))
        await settle()
        assert not ue.sessions
        core.release(at_core)
        await settle(100)
        assert ue.context.registered
        assert ue.sessions[1].context.state == "ACTIVE"
        assert core.last() is not at_core
        assert gmm(core, nas.DeregistrationAcceptUETerminated)

    play(scene)


def test_deregistration_unanswered_is_local() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        core.silent.add(nas.DeregistrationRequestUEOriginating)
        await ue.deregister()
        assert len(gmm(core, nas.DeregistrationRequestUEOriginating)) == 5
        assert not ue.context.registered

    play(scene)


def test_without_a_guti_the_network_hears_of_a_deregistration() -> None:
    class Nameless(Core):
        def nas(self, ue: CoreUe, message: nas.NasMessage, header: SecurityHeader | None = None) -> bytes:
            if isinstance(message, nas.RegistrationAccept):
                message = message.replace(guti=None)
            return super().nas(ue, message, header)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        assert not gmm(core, nas.RegistrationComplete)
        await ue.deregister()
        (request,) = gmm(core, nas.DeregistrationRequestUEOriginating)
        assert isinstance(request, nas.DeregistrationRequestUEOriginating)
        assert isinstance(request.mobile_identity, Suci)

    play(scene, Nameless())


@pytest.mark.parametrize("where", ["barred cell", "between attempts", "unanswered"])
def test_deregistration_goes_before_a_registration_under_way(where: str) -> None:
    """§5.5.1.2.7: whoever switches the UE off does not wait for a network that is not there."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        if where == "barred cell":
            core.lose("gone")
        elif where == "between attempts":
            core.reject_registration = GmmCause.CONGESTION
        else:
            core.silent.add(nas.RegistrationRequest)
        task = asyncio.create_task(ue.register())
        await settle()
        start = asyncio.get_running_loop().time()
        await ue.deregister()
        assert asyncio.get_running_loop().time() - start < 1
        with pytest.raises(Aborted):
            await task
        assert ue.is_idle
        assert not ue.link.connected

    play(scene)


def test_configuration_update() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        assert at_core.guti is not None
        guti = msgspec.structs.replace(at_core.guti, tmsi=7)
        core.down(
            at_core,
            nas.ConfigurationUpdateCommand(
                configuration_update_indication=nas.ConfigurationUpdateIndication(
                    acknowledgement_requested=True
                ),
                guti=guti,
                full_network_name=nas.NetworkName("cinq"),
            ),
        )
        await settle()
        assert ue.context.guti == guti
        assert ue.context.network_name == "cinq"
        assert gmm(core, nas.ConfigurationUpdateComplete)

    play(scene)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=8), st.booleans())
def test_any_octets(octets: list[bytes], authenticated: bool) -> None:
    """Nothing raises, nothing sticks: the UE can still be used afterwards."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        for one in octets:
            if authenticated:
                assert at_core.security is not None
                header = SecurityHeader.INTEGRITY_CIPHERED
                ue.on_downlink(at_core.security.protect(b"\x7e\x00" + one, header, 1))
            else:
                ue.on_downlink(one)
        await settle()
        if ue.context.registered:
            assert ue.is_idle
            await ue.establish_session()

    play(scene)
