"""Ethernet sessions through a whole network: what is asked for and granted on N1, N2 and N4, and frames both ways."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Refused
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings
from cinq.ran.ue.ue import Ue
from cinq.userplane.model import Buffered, Dropped, Frame, Outer
from cinq.userplane.rules import Reason
from cinq.wire import nas, ngap, pfcp
from tests.network.test_lifecycle import inactivity
from tests.network.through import Path, play

HOST, MINE = b"\2\0\0\0\0\x99", b"\2\0\0\0\1\1"
THERE, BACK = (to + source + b"\x88\xb5" + bytes(46) for to, source in ((HOST, MINE), (MINE, HOST)))
LINK = "internet"


async def opened(ue: Ue) -> Session:
    session = await ue.open_session(SessionSettings(kind="Ethernet"))
    assert isinstance(session, Session)
    await asyncio.sleep(1)
    return session


def up(path: Path, frame: bytes) -> Frame | Dropped:
    (name,) = path.plane.links
    (sent,) = path.gnb.from_link(name, frame, 0)
    assert isinstance(sent, Outer)
    verdict = path.upf.decapsulate(sent.octets, 0)
    assert isinstance(verdict, Frame | Dropped)
    return verdict


def down(path: Path, frame: bytes) -> Frame:
    (sent,) = path.upf.from_link(LINK, frame, 0)
    assert isinstance(sent, Outer)
    verdict = path.gnb.decapsulate(sent.octets, 0)
    assert isinstance(verdict, Frame)
    return verdict


def test_a_session_and_its_frames() -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        session = await opened(ue)
        context = session.context
        assert (context.kind, context.address, context.cause) == (nas.PduSessionType.ETHERNET, None, 0)
        assert context.interface.startswith("ue-l2-")
        assert [rule.default for rule in context.rules] == [True]
        established = [
            e.content for e in path.network.events if isinstance(e.content, pfcp.SessionEstablishmentRequest)
        ]
        assert established[-1].pdn_type == pfcp.PdnType.ETHERNET
        assert all(
            pdr.pdi.ethernet_pdu_session_information == pfcp.PfcpFlags(1) and not pdr.pdi.ue_ip_addresses
            for pdr in established[-1].create_pdrs
        )
        setups = [
            e.content
            for e in path.network.events
            if isinstance(e.content, ngap.PDUSessionResourceSetupRequest)
        ]
        (item,) = setups[-1].pdu_session_resource_setup_list_su_req
        transfer = ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, item.pdu_session_resource_setup_request_transfer
        )
        assert transfer.pdu_session_type == "ethernet"
        assert up(path, THERE) == Frame(LINK, THERE)
        (name,) = path.plane.links
        assert down(path, BACK) == Frame(name, BACK)
        await ue.release_session(context.pdu_session_id)
        await asyncio.sleep(1)
        assert path.plane.links == {}
        assert path.upf.from_link(LINK, BACK, 0) == [Dropped(Reason.UNKNOWN_UE)]
        assert len(path.control) == 1, "that of IP"

    play(scene, ethernet=True)


def test_an_idle_ue_is_paged_for_a_frame() -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        session = await opened(ue)
        inactivity(path.radio)
        await asyncio.sleep(1)
        assert not session.context.bearer
        (verdict,) = path.upf.from_link(LINK, BACK, 0)
        assert isinstance(verdict, Buffered)
        assert verdict.notify
        path.control.buffered(verdict.session)
        await asyncio.sleep(5)
        assert session.context.bearer, "paged"
        assert down(path, BACK)
        assert up(path, THERE) == Frame(LINK, THERE)

    play(scene, ethernet=True)


def test_a_network_without_ethernet() -> None:
    """TS 24.501 §6.4.1.4.1: #28, a type that is not allowed."""

    async def scene(path: Path, ue: Ue, first: Session) -> None:
        with pytest.raises(Refused, match="#28") as refused:
            await opened(ue)
        answer = refused.value.answer
        assert isinstance(answer, nas.PDUSessionEstablishmentReject)
        assert answer.cause == nas.GsmCause.UNKNOWN_PDU_SESSION_TYPE

    play(scene)
