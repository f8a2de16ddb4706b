"""TS 38.413 clause 10 at the gNB, row by row: what is wrong, in a message of which kind, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cinq.procedure import Aborted, run_virtual
from cinq.ran.gnb.signals import Reset
from cinq.wire import ngap

from .core import CoreUe, settle
from .test_hostile_amf import UNKNOWN_IE, World, ies_of, of_interface, of_ue, pdu, without

REJECT, IGNORE, NOTIFY = range(3)
SYNTAX, REJECTED = "transfer-syntax-error", "abstract-syntax-error-reject"
NOTIFIED = "abstract-syntax-error-ignore-and-notify"
FALSE = "abstract-syntax-error-falsely-constructed-message"
STATE = "message-not-compatible-with-receiver-state"


def message(world: World, at_core: CoreUe, kind: type[ngap.Pdu]) -> ngap.Pdu:
    return next(m for m in (*of_ue(world.core, at_core), *of_interface(world.core)) if isinstance(m, kind))


def unknown(criticality: int) -> Callable[[ngap.Pdu], bytes]:
    def make(message: ngap.Pdu) -> bytes:
        head, ies = ies_of(ngap.encode(message))
        return pdu(head, [*ies, (UNKNOWN_IE, criticality, b"\0")])

    return make


def twice(message: ngap.Pdu) -> bytes:
    head, ies = ies_of(ngap.encode(message))
    return pdu(head, [*ies, ies[0]])


def lacking(name: str) -> Callable[[ngap.Pdu], bytes]:
    return lambda message: without(message, name)


def cut(message: ngap.Pdu) -> bytes:
    return ngap.encode(message)[:-2]


def code(number: int, criticality: int) -> Callable[[ngap.Pdu], bytes]:
    """Another procedure code, with a criticality."""
    return lambda message: bytes((0, number, criticality << 6)) + ngap.encode(message)[3:]


def plain(message: ngap.Pdu) -> bytes:
    return ngap.encode(message)


def changed(**members: object) -> Callable[[ngap.Pdu], bytes]:
    def make(message: ngap.Pdu) -> bytes:
        for name, value in members.items():
            setattr(message, name, value)
        return ngap.encode(message)

    return make


@dataclass(frozen=True)
class Row:
    """of: the message. make: what is done to it. answer: its class, None for silence. told: IEs in the diagnostics."""

    clause: str
    of: type[ngap.Pdu]
    make: Callable[[ngap.Pdu], bytes]
    answer: type[ngap.Pdu] | None
    cause: tuple[str, str] | None = None
    told: int | None = None


Setup, SetupDone = ngap.PDUSessionResourceSetupRequest, ngap.PDUSessionResourceSetupResponse
Context, Nas, Error = ngap.InitialContextSetupRequest, ngap.DownlinkNASTransport, ngap.ErrorIndication
Handover, Update, Acknowledge = ngap.HandoverRequest, ngap.AMFConfigurationUpdate, ngap.NGResetAcknowledge
ROWS = (
    Row("10.2", Nas, cut, Error, ("protocol", SYNTAX)),
    Row("10.2 of a class 1 request", Context, cut, Error, ("protocol", SYNTAX)),
    Row("10.3.4.1 reject", Nas, code(200, REJECT), Error, ("protocol", REJECTED)),
    Row("10.3.4.1 notify", Nas, code(200, NOTIFY), Error, ("protocol", NOTIFIED)),
    Row("10.3.4.1 ignore", Nas, code(200, IGNORE), None),
    Row("10.3.4.1A", Nas, lambda m: b"\x20" + ngap.encode(m)[1:], Error, ("protocol", REJECTED)),
    Row("10.3.4.2 reject, class 1 with failure", Context, unknown(REJECT), ngap.InitialContextSetupFailure,
        ("protocol", REJECTED), UNKNOWN_IE),
    Row("10.3.4.2 reject, no UE in the failure", Update, unknown(REJECT), ngap.AMFConfigurationUpdateFailure,
        ("protocol", REJECTED), UNKNOWN_IE),
    Row("10.3.4.2 reject, handover", Handover, unknown(REJECT), ngap.HandoverFailure,
        ("protocol", REJECTED), UNKNOWN_IE),
    Row("10.3.4.2 reject, class 1 without failure", Setup, unknown(REJECT), Error,
        ("protocol", REJECTED), UNKNOWN_IE),
    Row("10.3.4.2 reject, class 2", Nas, unknown(REJECT), Error, ("protocol", REJECTED), UNKNOWN_IE),
    Row("10.3.4.2 reject, response", Acknowledge, unknown(REJECT), None),
    Row("10.3.4.2 notify, class 1", ngap.NGReset, unknown(NOTIFY), Acknowledge, None, UNKNOWN_IE),
    Row("10.3.4.2 notify, class 2", Nas, unknown(NOTIFY), Error, ("protocol", NOTIFIED), UNKNOWN_IE),
    Row("10.3.4.2 notify, response", Acknowledge, unknown(NOTIFY), Error, ("protocol", NOTIFIED), UNKNOWN_IE),
    Row("10.3.4.2 ignore, class 1", ngap.NGReset, unknown(IGNORE), Acknowledge),
    Row("10.3.4.2 ignore, class 2", ngap.OverloadStop, unknown(IGNORE), None),
    Row("10.3.5 reject, class 1 with failure", Context, lacking("SecurityKey"), ngap.InitialContextSetupFailure,
        ("protocol", REJECTED), 94),
    Row("10.3.5 reject, failure cannot be made", Context, lacking("AMF-UE-NGAP-ID"), Error,
        ("protocol", REJECTED), 10),
    Row("10.3.5 reject, class 2", Nas, lacking("NAS-PDU"), Error, ("protocol", REJECTED), 38),
    Row("10.3.5 ignore", ngap.NGReset, lacking("Cause"), Acknowledge),
    Row("10.3.5 ignore, class 2", ngap.Paging, lacking("UEPagingIdentity"), None),
    Row("10.3.6 class 1 with failure", Context, twice, ngap.InitialContextSetupFailure, ("protocol", FALSE)),
    Row("10.3.6 class 1 without failure", Setup, twice, Error, ("protocol", FALSE)),
    Row("10.3.6 class 2", Nas, twice, Error, ("protocol", FALSE)),
    Row("10.3.6 response", ngap.NGSetupFailure, twice, None),
    Row("10.4 response that nobody waits for", Acknowledge, plain, None),
    Row("10.4 outcome that nobody waits for", ngap.NGSetupResponse, plain, None),
    Row("10.5 error in an Error Indication", Error, cut, None),
    Row("10.5 an Error Indication with an unknown IE", Error, unknown(REJECT), None),
    Row("10.6 unknown local identity", Nas, changed(ran_ue_ngap_id=77), Error,
        ("radioNetwork", "unknown-local-UE-NGAP-ID")),
    Row("10.6 inconsistent remote identity", Nas, changed(amf_ue_ngap_id=7777), Error,
        ("radioNetwork", "inconsistent-remote-UE-NGAP-ID")),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.clause}: {row.of.__name__}")
def test_row(row: Row) -> None:
    async def main() -> None:
        world = World()
        await world.up()
        at_core = await world.attached()
        octets = row.make(message(world, at_core, row.of))
        before = len(world.core.octets)
        answers = world.answers(octets)
        streams = [stream for stream, _ in world.core.octets[before:]]
        if row.answer is None:
            assert answers == []
        else:
            (answer,) = answers
            assert isinstance(answer, row.answer)
            if row.cause is not None:
                assert getattr(answer, "cause", None) == row.cause
            if row.told is not None:
                told = getattr(answer, "criticality_diagnostics", None)
                assert isinstance(told, ngap.CriticalityDiagnostics)
                assert [item.ie_id for item in told.ies_criticality_diagnostics or ()] == [row.told]
            of_a_ue = any(hasattr(answer, n) for n in ("amf_ue_ngap_id", "ran_ue_ngap_id")) and (
                getattr(answer, "amf_ue_ngap_id", None) or getattr(answer, "ran_ue_ngap_id", None)
            )
            assert (streams[0] > 0) == bool(of_a_ue)
        await settle()
        if not isinstance(message(world, at_core, row.of), ngap.NGReset):
            world.undisturbed()

    run_virtual(main())


def test_a_broken_outcome_ends_its_procedure() -> None:
    """§10.3.5: the one that waits for it has failed, at once and without a word to the AMF."""

    async def main() -> None:
        world = World()
        await world.up()
        task = asyncio.create_task(world.radio.gnb.n2.demand(Reset(tuple(world.radio.gnb.n2.ues))))
        await settle()
        count = len(world.core.octets)
        world.core.tell_octets(unknown(REJECT)(ngap.NGResetAcknowledge()))
        with pytest.raises(Aborted, match="NGResetAcknowledge is wrong"):
            await task
        assert len(world.core.octets) == count

    run_virtual(main())


def test_a_context_is_modified_before_there_is_one() -> None:
    """§10.4, class 1: the failure of the procedure, message not compatible with receiver state."""

    async def main() -> None:
        world = World()
        await world.up()
        at_core = await world.attached()
        context = world.radio.gnb.n2.ues[at_core.ran_id]
        context.commit(has_context=False)
        octets = ngap.encode(message(world, at_core, ngap.UEContextModificationRequest))
        (answer,) = world.answers(octets)
        assert isinstance(answer, ngap.UEContextModificationFailure)
        assert answer.cause == ("protocol", STATE)

    run_virtual(main())
