"""TS 33.117 §4.4.4 on N4: what no SMF may say, or not this one. Cases DEV-060 to DEV-079 of the list of negative cases,
as rows of a table, beside a live session of the bench's own SMF that has to stay.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Literal, NamedTuple

import msgspec

from cinq.assurance.case import Play
from cinq.assurance.cases.ts33117.tc_bvt_robustness import CASE
from cinq.assurance.n4 import association, session
from cinq.assurance.packets import own as own_address
from cinq.assurance.robustness.pfcp import GROUPED
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.wire import pfcp

STRANGER = 50  # the address of one that is no SMF: so much above the first gNB's
LIVE, OTHER = 7001, 7002  # SEIDs of the bench SMF
NODE_IDS, PACE = 2000, 20
F_TEID, INSTANCE, OUTER = 21, 22, 84
REJECTED = 64
UNSEEN = "where nothing is answered, nothing shows that a stranger's datagram has arrived"
replace = msgspec.structs.replace
Make = Callable[[int], bytes]
"""Octets with a sequence number."""


class OwnSmf:
    """An association, one live session, and what should not be said."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        where = trial.target.interfaces
        self._smf = check.present(trial.lab.smf, "a bench SMF")
        self.address = check.present(where.smf, "interfaces.smf")
        self._pool = check.present(where.pool, "interfaces.pool").hosts()
        self.ue, self.free = next(self._pool), next(self._pool)
        self.seid = 0
        self.f_teid: pfcp.FTeid = pfcp.FTeid.choose()
        self.stranger = IPv4Address(own_address(trial, STRANGER))

    async def opened(self) -> None:
        """A control."""
        with self.trial.control("the UPF takes the bench SMF's association and a session"):
            answer = await self._smf.ask(association(self.address))
            check.equal(getattr(answer, "cause", None), pfcp.Cause.REQUEST_ACCEPTED, "the cause")
            answer = await self._smf.ask(self.request(self.ue, LIVE), 0)
            check.that(isinstance(answer, pfcp.SessionEstablishmentResponse), "it answers an establishment")
            assert isinstance(answer, pfcp.SessionEstablishmentResponse)
            check.equal(answer.cause, pfcp.Cause.REQUEST_ACCEPTED, "the cause of the session")
            self.seid = check.present(answer.up_f_seid, "UP F-SEID").seid
            chosen = [pdr.f_teid for pdr in answer.created_pdrs if pdr.f_teid is not None]
            self.f_teid = check.present(chosen[0] if chosen else None, "the F-TEID that was chosen")

    async def twin(self) -> None:
        """A control: what the rows spoil is accepted as it is, and deleted."""
        with self.trial.control("a session like those that follow, without a fault, is accepted"):
            answer = await self._smf.ask(self.request(), 0)
            check.equal(getattr(answer, "cause", None), pfcp.Cause.REQUEST_ACCEPTED, "the cause")
            assert isinstance(answer, pfcp.SessionEstablishmentResponse)
            seid = check.present(answer.up_f_seid, "UP F-SEID").seid
            await self._smf.ask(pfcp.SessionDeletionRequest(), seid)

    def request(self, ue: IPv4Address | None = None, seid: int = OTHER) -> pfcp.SessionEstablishmentRequest:
        return session(self.address, seid, ue or self.free, self.trial.target.core.dnns[0])

    async def say(self, make: Make, stranger: bool = False) -> pfcp.Message | None:
        """Octets that the bench makes by hand, once. None: nothing comes."""
        return await self._smf.exchange(make, self.stranger if stranger else None)

    async def intact(self) -> None:
        """A control and a finding: the UPF answers what comes behind, and the live session is what it was."""
        with self.trial.control("behind it the UPF answers"):
            await self._smf.ask(pfcp.HeartbeatRequest(recovery_time_stamp=1_000_000))
        with self.trial.finding("the live session of the bench SMF is there"):
            answer = await self._smf.ask(pfcp.SessionModificationRequest(), self.seid)
            check.equal(
                getattr(answer, "cause", None), pfcp.Cause.REQUEST_ACCEPTED, "the cause of a modification"
            )

    async def closed(self) -> None:
        with self.trial.control("the live session is deleted"):
            answer = await self._smf.ask(pfcp.SessionDeletionRequest(), self.seid)
            check.equal(getattr(answer, "cause", None), pfcp.Cause.REQUEST_ACCEPTED, "the cause")


class Row(NamedTuple):
    """make: what is said, each with a name. wanted: refused (or nothing answered), silent, or either of all."""

    name: str
    title: str
    make: Callable[[OwnSmf], dict[str, Make]]
    wanted: Literal["refused", "silent", "survived"] = "refused"
    stranger: bool = False


def encoded(message: pfcp.Message, seid: int | None = None) -> Make:
    return lambda number: pfcp.encode(message, sequence=number, seid=seid)


def establishing(
    request: pfcp.SessionEstablishmentRequest, change: Callable[[bytes], bytes] | None = None
) -> Make:
    def make(number: int) -> bytes:
        octets = pfcp.encode(request, sequence=number, seid=0)
        return octets if change is None else change(octets)

    return make


def rewritten(octets: bytes, number: int, content: bytes) -> bytes:
    """A message in which every IE of this number has other contents; lengths around it are true."""
    at = 16 if octets[0] & 1 else 8
    body = _rewritten(octets[at:], number, content)
    return octets[:2] + (at - 4 + len(body)).to_bytes(2, "big") + octets[4:at] + body


def _rewritten(octets: bytes, number: int, content: bytes) -> bytes:
    made, at = b"", 0
    while at < len(octets):
        kind, size = (
            int.from_bytes(octets[at : at + 2], "big"),
            int.from_bytes(octets[at + 2 : at + 4], "big"),
        )
        value = octets[at + 4 : at + 4 + size]
        if kind == number:
            value = content
        elif kind in GROUPED:
            value = _rewritten(value, number, content)
        made += octets[at : at + 2] + len(value).to_bytes(2, "big") + value
        at += 4 + size
    return made


def with_pdr(
    request: pfcp.SessionEstablishmentRequest, **changes: object
) -> pfcp.SessionEstablishmentRequest:
    """Its uplink PDR changed."""
    first, *others = request.create_pdrs
    return replace(request, create_pdrs=[replace(first, **changes), *others])


def with_pdi(
    request: pfcp.SessionEstablishmentRequest, **changes: object
) -> pfcp.SessionEstablishmentRequest:
    return with_pdr(request, pdi=replace(request.create_pdrs[0].pdi, **changes))


def to_a_gnb(own: OwnSmf) -> Make:
    """A modification with an outer header to create, as a path to a gNB is told."""
    header = pfcp.OuterHeaderCreation(0x0100, 1, own.stranger)
    far = pfcp.UpdateFar(
        far_id=2,
        apply_action=pfcp.ApplyAction(pfcp.ApplyAction.FORW),
        forwarding_parameters=pfcp.UpdateForwardingParameters(
            destination_interface=pfcp.Interface.ACCESS, outer_header_creation=header
        ),
    )
    return encoded(pfcp.SessionModificationRequest(update_fars=[far]), own.seid)


def outer_headers(own: OwnSmf) -> dict[str, Make]:
    whole = to_a_gnb(own)
    contents = {"no octets": b"", "a cut header": b"\x01\0\0", "IPv6 with four octets": b"\x02\0" + bytes(8)}
    return {name: lambda n, c=octets: rewritten(whole(n), OUTER, c) for name, octets in contents.items()}  # type: ignore[misc]


def lengths(own: OwnSmf) -> dict[str, Make]:
    whole = establishing(own.request())

    def telling(more: int) -> Make:
        def make(number: int) -> bytes:
            octets = whole(number)
            told = int.from_bytes(octets[2:4], "big") + more
            return octets[:2] + told.to_bytes(2, "big") + octets[4:]

        return make

    return {
        "a length of more than there is": telling(40),
        "a length of less than there is": telling(-40),
        "half of a message": lambda number: whole(number)[: len(whole(number)) // 2],
    }


def filters(own: OwnSmf) -> dict[str, Make]:
    texts = {
        "an empty filter": "",
        "a filter of spaces": "     ",
        "a filter that permits nothing": "deny in ip from any to assigned",
        "a filter of 1000 words": "permit out ip from any to assigned " + "frag " * 1000,
    }
    return {
        name: establishing(with_pdi(own.request(), sdf_filters=[pfcp.SdfFilter(text)]))
        for name, text in texts.items()
    }


def bad_modification(own: OwnSmf) -> dict[str, Make]:
    """Each begins with something right."""
    right = pfcp.UpdateFar(far_id=2, apply_action=pfcp.ApplyAction(pfcp.ApplyAction.DROP))
    unknown = pfcp.UpdateFar(far_id=999, apply_action=pfcp.ApplyAction(pfcp.ApplyAction.FORW))
    return {
        "an update of a FAR that is not there": encoded(
            pfcp.SessionModificationRequest(update_fars=[right, unknown]), own.seid
        ),
        "the removal of a PDR that is not there": encoded(
            pfcp.SessionModificationRequest(update_fars=[right], remove_pdrs=[pfcp.RemovePdr(pdr_id=999)]),
            own.seid,
        ),
    }


def urr(own: OwnSmf) -> dict[str, Make]:
    one = pfcp.CreateUrr(
        urr_id=65535,
        measurement_method=pfcp.MeasurementMethod(pfcp.MeasurementMethod.VOLUM),
        reporting_triggers=pfcp.ReportingTriggers(0),
    )
    return {"URR ID 65535": establishing(replace(own.request(), create_urrs=[one]))}


def other_seids(own: OwnSmf) -> dict[str, Make]:
    return {
        "a deletion of the live session": encoded(pfcp.SessionDeletionRequest(), own.seid),
        "a modification of the live session": encoded(pfcp.SessionModificationRequest(), own.seid),
    }


ROWS = (
    Row(
        "dev-060-association-of-a-stranger",
        "an association from an address that is no SMF's (TS 29.244 §6.2.6, TS 33.501 §9.9)",
        lambda own: {"an association": encoded(association(own.stranger))},
        stranger=True,
    ),
    Row(
        "dev-061-node-id-of-another",
        "an association in the name of the SMF that has one, from another address",
        lambda own: {"its Node ID from another address": encoded(association(own.address))},
        stranger=True,
    ),
    Row(
        "dev-063-session-of-another", "a stranger deletes and modifies a session", other_seids, stranger=True
    ),
    Row(
        "dev-064-modification-that-is-wrong-in-part",
        "a modification with one wrong IE (TS 29.244 §5.2.1)",
        bad_modification,
    ),
    Row(
        "dev-065-address-in-use",
        "a session of a UE address that another session has",
        lambda own: {"the live session's address": establishing(own.request(own.ue))},
    ),
    Row(
        "dev-066-tunnel-in-use",
        "a PDR with the F-TEID of another session (TS 29.244 §5.5.1)",
        lambda own: {"the live session's F-TEID": establishing(with_pdi(own.request(), f_teid=own.f_teid))},
    ),
    Row(
        "dev-067-pdr-without-far",
        "a PDR that names no FAR (TS 29.244 §7.5.2.2)",
        lambda own: {"no FAR ID": establishing(with_pdr(own.request(), far_id=None))},
    ),
    Row("dev-068-large-rule-id", "a URR of the number 65535", urr, "survived"),
    Row(
        "dev-069-f-teid-of-nothing",
        "F-TEIDs without octets, and of no version of IP (TS 29.244 §8.2.3)",
        lambda own: {
            "no octets": establishing(own.request(), lambda octets: rewritten(octets, F_TEID, b"")),
            "neither version": establishing(
                own.request(), lambda octets: rewritten(octets, F_TEID, bytes(5))
            ),
        },
    ),
    Row(
        "dev-070-broken-outer-header",
        "outer headers to create that are cut or lie (TS 29.244 §8.2.56)",
        outer_headers,
    ),
    Row("dev-071-broken-filters", "SDF filters that are none (TS 29.244 §8.2.5)", filters),
    Row(
        "dev-072-rules-that-are-not-there",
        "a PDR that names 1000 QERs that nobody declared",
        lambda own: {"1000 QERs": establishing(with_pdr(own.request(), qer_ids=list(range(1, 1001))))},
    ),
    Row(
        "dev-073-pdn-type-of-nothing",
        "PDN type 0 (TS 29.244 §8.2.79)",
        lambda own: {"PDN type 0": establishing(replace(own.request(), pdn_type=0))},
        "survived",
    ),
    Row(
        "dev-074-lengths-that-lie",
        "a length that is not the datagram's (TS 29.244 §7.6.3)",
        lengths,
        "silent",
    ),
    Row(
        "dev-075-answer-that-nobody-waits-for",
        "a Session Report Response of a session that is not there (TS 29.244 §7.6)",
        lambda own: {
            "a response": encoded(pfcp.SessionReportResponse(cause=pfcp.Cause.REQUEST_ACCEPTED), own.seid + 1)
        },
        "silent",
    ),
    Row(
        "dev-079-labels-that-lie",
        "a Network Instance whose labels are longer than it is (TS 29.244 §8.2.4)",
        lambda own: {
            "labels": establishing(own.request(), lambda octets: rewritten(octets, INSTANCE, b"\x3finternet"))
        },
    ),
)


def played(row: Row) -> Play:
    async def play(trial: Trial) -> None:
        own = OwnSmf(trial)
        await own.opened()
        await own.twin()
        for name, make in row.make(own).items():
            trial.step(f"{row.title}: {name}")
            answer = await own.say(make, row.stranger)
            cause = getattr(answer, "cause", None)
            said = "nothing" if answer is None else f"{type(answer).__name__}, cause {cause}"
            if row.wanted == "silent":
                with trial.finding(f"{name}: nothing is answered"):
                    check.that(answer is None, said)
            elif row.wanted == "refused":
                with trial.finding(f"{name}: it is refused") as seen:
                    seen.text = said
                    check.that(answer is None or (isinstance(cause, int) and cause >= REJECTED), said)
            await own.intact()
        await own.closed()

    return play


for _row in ROWS:
    CASE.sub(
        _row.name,
        f"{_row.title}; a live session stays.",
        needs=("n4",),
        limit=UNSEEN if _row.stranger else "",
        within=120.0,
    )(played(_row))


@CASE.sub("dev-062-many-node-ids", f"{NODE_IDS} associations in as many names.", needs=("n4",), within=120.0)
async def many_node_ids(trial: Trial) -> None:
    own = OwnSmf(trial)
    await own.opened()
    trial.step(f"association setup requests of {NODE_IDS} Node IDs from the bench SMF's address")
    numbers = itertools.count(1)
    smf = check.present(trial.lab.smf, "a bench SMF")
    for number in range(NODE_IDS):
        request = association(IPv4Address(0x0A640000 + number))
        await smf.send(pfcp.encode(request, sequence=0x900000 + next(numbers)))
        await asyncio.sleep(0 if number % PACE else 0.01)
    await own.say(encoded(pfcp.HeartbeatRequest(recovery_time_stamp=1_000_000)))
    await own.intact()
    await own.closed()


for _name, _title in (
    (
        "dev-076-establishment-response-without-cause",
        "a Session Establishment Response without cause or Node ID",
    ),
    ("dev-077-report-without-its-subject", "a downlink data report that reports nothing"),
    ("dev-078-upf-without-features", "an association of a UPF without features"),
):
    CASE.not_yet(_name, f"To the SMF: {_title}.", "bench UPF")
