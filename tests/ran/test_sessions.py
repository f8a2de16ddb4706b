"""PDU sessions at the UE: refused, given back, unanswered, released by the network."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.ue import Ue
from cinq.wire import nas

from .core import Core, CoreUe, Radio, in_transport, settle
from .test_nas_rules import gmm, play


def test_session_reject_and_not_forwarded() -> None:
    class Refuses(Core):
        def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
            if forward:
                reject = nas.PDUSessionEstablishmentReject(
                    pdu_session_id=request.pdu_session_id, pti=request.pti, cause=27
                )
                self.down(ue, in_transport(reject))
            else:
                back = in_transport(request).replace(cause=90)
                self.down(ue, back)

    forward = True

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        nonlocal forward
        await ue.register()
        with pytest.raises(Refused, match="#27"):
            await ue.establish_session()
        assert not ue.sessions
        forward = False
        with pytest.raises(Refused, match="#90"):
            await ue.establish_session()
        assert not ue.sessions
        assert ue.context.registered

    play(scene, Refuses())


def test_session_unanswered() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        core.silent.add(nas.ULNASTransport)
        with pytest.raises(TimerExpired):
            await ue.establish_session()
        assert len(gmm(core, nas.ULNASTransport)) == 5
        assert not ue.sessions

    play(scene)


def test_connection_lost_and_a_session_request_is_made_again() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        core.silent.add(nas.ULNASTransport)
        task = asyncio.create_task(ue.establish_session())
        await settle()
        core.release(core.last())
        await settle()
        core.silent.clear()
        core.release(core.last())
        with pytest.raises(Aborted):
            await task
        assert not ue.sessions
        await ue.establish_session()
        assert core.names().count("InitialUEMessage") == 3

    play(scene)


def test_network_releases_a_session() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        await settle()
        command = nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=0, cause=36)
        core.release_session(core.last(), command)
        await settle()
        assert not ue.sessions
        unknown = nas.PDUSessionModificationCommand(pdu_session_id=9, pti=0)
        core.down(core.last(), in_transport(unknown))
        await settle()
        carried = [nas.decode(m.payload_container) for m in gmm(core, nas.ULNASTransport)]  # type: ignore[attr-defined]
        assert isinstance(carried[-2], nas.PDUSessionReleaseComplete)
        assert isinstance(carried[-1], nas.FiveGSMStatus)
        assert carried[-1].cause == nas.GsmCause.INVALID_PDU_SESSION_IDENTITY

    play(scene)


class Carries(Core):
    """Answers an establishment by the 5GSM octets that `answer` makes of the request, `first` before the real one."""

    def __init__(self, *first: str) -> None:
        super().__init__()
        self.first = first

    def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
        for octets in self.first:
            self.down(ue, carrying(octets.format(pti=f"{request.pti:02x}", other=f"{request.pti + 9:02x}")))
        super().on_establishment(ue, request)


def carrying(octets: str, number: int = 1) -> nas.DLNASTransport:
    return nas.DLNASTransport(
        payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
        payload_container=bytes.fromhex(octets),
        pdu_session_id=number,
    )


def carried(core: Core) -> list[nas.NasMessage]:
    return [nas.decode(m.payload_container) for m in gmm(core, nas.ULNASTransport)]  # type: ignore[attr-defined]


def status(cause: int, pti: int, psi: int = 1) -> nas.FiveGSMStatus:
    return nas.FiveGSMStatus(pdu_session_id=psi, pti=pti, cause=cause)


DOWNLINK = [
    # TS 24.501 §7.3.1, UE procedures a) to c): an assigned PTI "that does not match any PTI in use": 5GSM STATUS #47
    ("2e0107cb", status(47, 7)),
    ("2e0107ca6f", status(47, 7)),
    ("2e0107d324", status(47, 7)),
    ("2e0107d26f", status(47, 7)),
    ("2e0107c36f", status(47, 7)),
    ("2e0107c2", status(47, 7)),
    # d) AUTHENTICATION COMMAND and RESULT with an assigned value: 5GSM STATUS #81
    ("2e0107c5000401020304", status(81, 7)),
    ("2e0107c7", status(81, 7)),
    # e) answers with an unassigned value, f) a reserved one: ignored
    ("2e0100c36f", None),
    ("2e0100c2", None),
    ("2e0100ca6f", None),
    ("2e0100d26f", None),
    ("2e01ffcb", None),
    ("2e01ffff", None),
    # §7.3.2 a) reserved or unassigned identity: ignored, b) of an inactive session: 5GSM STATUS #43
    ("2e0000cb", None),
    ("2e1000cb", None),
    ("2e0900cb", status(43, 0, 9)),
    ("2e0900d324", status(43, 0, 9)),
    ("2e0900d62b", None),
    # §7.4: unknown, or none that a network sends: #97; one that fits no state: #98
    ("2e0100ff", status(97, 0)),
    ("2e0105d1", status(97, 5)),
    ("2e0100c5000401020304", status(98, 0)),
    # §7.2.1 too short, no 5GSM message; 5GSM STATUS is never answered in kind
    ("2e0100", None),
    ("7e0041790000", None),
    ("2e0105d62f", None),
    ("2e0105d6", None),
    # §7.5.1
    ("2e0100c5", status(96, 0)),
]


@pytest.mark.parametrize(("octets", "answer"), DOWNLINK, ids=[octets for octets, _ in DOWNLINK])
def test_5gsm_that_fits_nothing(octets: str, answer: nas.GsmMessage | None) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        await settle()
        before = carried(core)
        core.down(core.last(), carrying(octets))
        await settle()
        assert carried(core)[len(before) :] == ([] if answer is None else [answer])
        assert ue.sessions[1].context.state == "ACTIVE"

    play(scene)


def test_answers_to_another_request_do_not_end_an_establishment() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        assert ue.sessions[1].context.state == "ACTIVE"
        assert [m.cause for m in carried(core) if isinstance(m, nas.FiveGSMStatus)] == [47, 47]

    play(scene, Carries("2e01{other}c36f", "2e0100c36f", "2e01{other}d62f", "2e01{other}d324"))


@pytest.mark.parametrize("cause", [47, 81, 97, 43])
def test_status_ends_an_establishment(cause: int) -> None:
    """§6.5.3: "the UE shall abort any ongoing 5GSM procedure related to the received PTI value"."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        with pytest.raises(Refused, match=f"5GSM STATUS cause #{cause}"):
            await ue.establish_session()
        assert not ue.sessions
        core.on_establishment = lambda ue, request: Core.on_establishment(core, ue, request)  # type: ignore[method-assign]
        await ue.establish_session()

    class Stops(Core):
        def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
            self.down(ue, in_transport(status(cause, request.pti)))

    play(scene, Stops())


def test_status_43_ends_an_active_session() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        core.down(core.last(), in_transport(status(43, 0)))
        await settle()
        assert not ue.sessions
        assert isinstance(carried(core)[-1], nas.PDUSessionEstablishmentRequest)  # nothing more was said

    play(scene)


def test_accept_that_cannot_be_read_is_released() -> None:
    """§7.5.3 a): "initiate the PDU session release procedure by sending ... RELEASE REQUEST with cause #96"."""

    class Garbled(Core):
        def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
            self.down(ue, carrying(f"2e01{request.pti:02x}c211"))

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        with pytest.raises(Refused, match="cannot be read"):
            await ue.establish_session()
        (request,) = [m for m in carried(core) if isinstance(m, nas.PDUSessionReleaseRequest)]
        assert request.cause == 96
        assert isinstance(carried(core)[-1], nas.PDUSessionReleaseComplete)
        assert not ue.sessions

    play(scene, Garbled())


def test_release_command_that_cannot_be_read_is_confirmed() -> None:
    """§7.5.3 c): PDU SESSION RELEASE COMPLETE with #96."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        core.down(core.last(), carrying("2e0100d3"))
        await settle()
        assert carried(core)[-1] == nas.PDUSessionReleaseComplete(pdu_session_id=1, pti=0, cause=96)
        assert not ue.sessions

    play(scene)


def test_release_command_sent_again_is_confirmed_again() -> None:
    """§7.3.1 b) 1): "a network retransmission of an already accepted request"."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        await ue.release_session(1)
        complete = carried(core)[-1]
        assert isinstance(complete, nas.PDUSessionReleaseComplete)
        command = nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=complete.pti, cause=36)
        core.down(core.last(), in_transport(command))
        await settle()
        assert carried(core)[-2:] == [complete, complete]
        await ue.establish_session()
        core.down(core.last(), in_transport(command))
        await settle()
        assert carried(core)[-1] == status(47, complete.pti)

    play(scene)
