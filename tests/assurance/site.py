"""A network in this process as a target of the assurance bench, on the virtual clock."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import itertools
import logging
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address

from cinq.assurance.case import CASES, Case, SubCase
from cinq.assurance.cases import ts33512  # noqa: F401  # fills CASES
from cinq.assurance.run import Outcome, Stage, play
from cinq.assurance.target import Algorithms, KnobName, Knobs, Target
from cinq.assurance.trial import Lab, OnHost
from cinq.explain import Explainer
from cinq.numbering import SNssai
from cinq.procedure import run_virtual
from cinq.procedure.store import MemoryStore
from cinq.ran.gnb.gnb import Connect
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.scenarios import target as ran
from cinq.ran.scenarios.bench import Place
from cinq.ran.scenarios.run import Pool
from cinq.ran.scenarios.target import Core, Radio, Subscribers
from cinq.settings import HexOctets
from cinq.transport.sctp.association import AssociationHandler
from cinq.wire import pfcp
from tests.network.world import OPC, PLMN, SUPI, End, K, Network

COUNT = 24
TACS, DNNS, SLICES = (1, 2), ("internet",), (SNssai(1),)
ORDER = Algorithms(("NIA2", "NIA1", "NIA3"), ("NEA2", "NEA1", "NEA3", "NEA0"))
"""As AmfSettings has it."""

TURNS: dict[str, Callable[[dict[str, str]], object]] = {}
"""What tests make of knobs that our core in this process has not: they build it around the real functions."""


class Knobsman:
    """Turns the knobs of the network in this process."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._lines = ["from yesterday: UE security capabilities mismatch"]
        handler, form = logging.Handler(), logging.Formatter("%(asctime)s %(message)s")
        handler.emit = lambda record: self._lines.append(form.format(record))  # type: ignore[method-assign]
        for name in ("cinq.amf", "cinq.smf", "cinq.explain"):
            logging.getLogger(name).addHandler(handler)
            logging.getLogger(name).setLevel(logging.INFO)
        self._explainer = Explainer(MemoryStore())
        network.journal.listen(self._explainer.event)

    async def turn(self, knob: KnobName, names: dict[str, str]) -> str:
        amf = self._network.amf
        match knob:
            case "algorithm_order":
                order = tuple(int(name[3:]) for name in names["integrity"].split(","))
                amf.reconfigure(dataclasses.replace(amf.ports.settings, integrity=order))
                logging.getLogger("cinq.amf").info("settings of the AMF taken")  # as `cinq up` says
            case "downlink_data":
                self._data_arrives(IPv4Address(names["address"]))
            case "log":
                self._explainer.tick(self._network.clock.now())
                return "\n".join(self._lines)
            case _ if knob in TURNS:
                return str(TURNS[knob](names) or "")
            case _:
                raise OSError(f"{knob} is not there")
        return ""

    def _data_arrives(self, address: IPv4Address) -> None:
        """The UPF reports it for the session that has this address."""
        upf = self._network.upf
        for session in upf.sessions.values():
            addresses = [one.ipv4 for pdr in session.create_pdrs for one in pdr.pdi.ue_ip_addresses]
            if address in addresses:
                upf.ask(DATA, seid=session.cp_f_seid.seid)
                return
        raise OSError(f"no session has the address {address}")


DATA = pfcp.SessionReportRequest(
    report_type=pfcp.ReportType(pfcp.ReportType.DLDR),
    downlink_data_report=pfcp.DownlinkDataReport(pdr_ids=[2]),
)


class Turned:
    """The scenario engine's own knobs: this target has none of them."""

    async def turn(self, knob: ran.Knob, names: dict[str, str]) -> None:
        raise OSError(f"{knob} is not there")


def target(**changes: object) -> Target:
    whole = Target(
        radio=Radio(n3_address=IPv4Address("10.0.1.1")),
        core=Core(plmn=PLMN, tacs=TACS, slices=SLICES, dnns=DNNS),
        algorithms=ORDER,
        subscribers=(Subscribers(SUPI.imsi, COUNT, HexOctets(K), HexOctets(OPC)),),
        knobs=Knobs(
            algorithm_order="in this process", downlink_data="in this process", log="in this process"
        ),
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def stage(
    network: Network,
    described: Target,
    seed: bytes = b"1",
    kept: Mapping[str, bytes] | None = None,
    on_host: OnHost | None = None,
) -> Stage:
    """Every sub-case gets octets of chance of its own, by its name."""

    def connect(settings: GnbSettings) -> Connect:
        async def opened(handler: AssociationHandler) -> End:
            streams = settings.n2_streams
            near, far = End(settings.name, handler, None, streams), End("amf", None, None, streams)
            near.peer, far.peer = far, near
            far.handler = network.amf.n2_connected(far)
            return near

        return opened

    def place(name: str) -> Place:
        return Place(described.scenario(), connect, Turned(), network.clock, entropy(seed + name.encode()))

    lab = Lab(described, Knobsman(network), network.clock.now, kept=kept or {}, host=on_host)
    return Stage(lab, place)


def entropy(seed: bytes) -> Callable[[int], bytes]:
    count = itertools.count()
    return lambda n: hashlib.shake_256(seed + next(count).to_bytes(8, "big")).digest(n)


def found(case: str, sub: str) -> tuple[Case, SubCase]:
    one = CASES[f"SCAS-{case}"]
    return one, one.subs[sub]


def asked(
    case: str,
    sub: str,
    described: Target | None = None,
    kept: Mapping[str, bytes] | None = None,
    on_host: OnHost | None = None,
) -> Outcome:
    """The outcome of one sub-case against a fresh network. kept: of an earlier run, by file name."""
    whole, part = found(case, sub)
    described = described or target()

    async def main() -> Outcome:
        network = Network(tacs=TACS, slices=SLICES, dnns=DNNS, entropy=entropy(b"core"))
        network.provision(COUNT, slices=SLICES, dnns=DNNS)
        await network.start()
        before = {f"{whole.id}/{sub}/{name}": octets for name, octets in (kept or {}).items()}
        where = stage(network, described, kept=before, on_host=on_host)
        try:
            return await play(whole, part, where, Pool(where.place("subscribers")))
        finally:
            await network.stop()
            await asyncio.sleep(0)

    return run_virtual(main())
