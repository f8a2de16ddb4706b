"""The scenario library against the core of this package: on a virtual clock, each twice, with the same verdict."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import msgspec
import pytest
from _pytest.mark import ParameterSet

from cinq.nf.amf.orders import Kind, Order, Orders, State
from cinq.nf.amf.warnings import Warning, Warnings
from cinq.nf.eir import lists
from cinq.nf.udr import provisioning
from cinq.numbering import SNssai, Supi
from cinq.procedure import run_virtual
from cinq.ran.gnb.gnb import Connect
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.scenarios.bench import Place
from cinq.ran.scenarios.library import LIBRARY
from cinq.ran.scenarios.run import Pool, play
from cinq.ran.scenarios.target import NEEDS, Core, Knob, Knobs, Radio, Subscribers, Target
from cinq.settings import HexOctets
from cinq.transport.sctp.association import AssociationHandler
from cinq.wire import cbs
from cinq.wire.nas import AccessCategory

from .world import OPC, PLMN, SUPI, End, K, Network

COUNT = 30
EAP = "999700000000501"
TACS, DNNS = (1, 2), ("internet", "ims")
SLICES = (SNssai(1), SNssai(1, 0x0000FF))
PENDING: dict[str, str] = {}
"""What the core does not do yet."""


ORDERS: dict[str, tuple[Kind, State]] = {
    "locate": ("location", "wanted"),
    "trace": ("trace", "wanted"),
    "trace_stop": ("trace", "unwanted"),
    "radio_check": ("radio", "wanted"),
    "unbind": ("unbind", "wanted"),
}


DEFINED = (AccessCategory(1, 40, dnns=("internet",)), AccessCategory(2, 41, slices=(SNssai(1),)))


class Operator:
    """Turns the knobs of the core in this process."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sent = 0

    async def turn(self, knob: Knob, names: dict[str, str]) -> None:
        store = self._network.store
        if knob in ("warn", "warn_primary", "warn_cancel"):
            self._warn(knob, names)
            return
        if knob == "equipment_bar":
            lists.put(store, [lists.entry(names["imei"], "black")])
            return
        if knob == "equipment_admit":
            lists.remove(store, names["imei"])
            return
        if knob in ORDERS:
            await self._order(knob, names["supi"])
            return
        supi = Supi.parse(names["supi"])
        match knob:
            case "subscriber_remove":
                provisioning.remove(store, supi)
            case "subscriber_add":
                provisioning.put(store, provisioning.Subscriber(supi, K, OPC, slices=SLICES, dnns=DNNS))
            case "policy_change":
                found = provisioning.get(store, supi)
                assert found is not None
                rates = {"ambr_uplink": names["uplink"], "ambr_downlink": names["downlink"]}
                provisioning.put_subscription(store, provisioning.changed(found, rates))
            case _:
                raise OSError(f"{knob} is not there")
        await self._network.udr.tell_changes()

    async def _order(self, knob: Knob, supi: str) -> None:
        """As `cinq order`, which waits for what becomes of it."""
        orders, (kind, state) = Orders(self._network.store), ORDERS[knob]
        trace_id = bytes(range(8)) if kind == "trace" else b""
        collector = "192.0.2.9" if kind == "trace" else ""
        orders.put(Order(supi, kind, trace_id=trace_id, collector=collector, state=state))
        self._network.amf.look_at_warnings()
        await asyncio.sleep(8)

    def _warn(self, knob: Knob, names: dict[str, str]) -> None:
        """As `cinq warn`."""
        warnings = Warnings(self._network.store)
        if knob in ("warn", "warn_primary"):
            self._sent += 1
            text = names.get("text", "")
            coding, contents = cbs.encode(text) if text else (0, b"")
            serial = cbs.serial_number(cbs.TRACKING_AREA_WIDE, self._sent)
            kind = b"" if text else cbs.warning_type("earthquake", alert=True, popup=True)
            identifier = 4370 if text else cbs.ETWS_IDENTIFIERS["earthquake"]
            areas = (int(names["tac"]),)
            warnings.put(Warning(identifier, serial, text, coding, contents, areas, etws=kind))
        else:
            for warning in [w for w in warnings.all() if w.state == "broadcast"]:
                warnings.put(msgspec.structs.replace(warning, state="unwanted"))
        self._network.amf.look_at_warnings()


def place(network: Network) -> Place:
    def connect(settings: GnbSettings) -> Connect:
        async def opened(handler: AssociationHandler) -> End:
            near, far = End(settings.name, handler), End("amf")
            near.peer, far.peer = far, near
            far.handler = network.amf.n2_connected(far)
            return near

        return opened

    target = Target(
        radio=Radio(n3_address=IPv4Address("10.0.1.1")),
        core=Core(plmn=PLMN, tacs=TACS, slices=SLICES, dnns=DNNS),
        knobs=Knobs(
            subscriber_remove="x",
            subscriber_add="x",
            policy_change="x",
            equipment_bar="x",
            equipment_admit="x",
            warn="x",
            warn_primary="x",
            warn_cancel="x",
            locate="x",
            trace="x",
            trace_stop="x",
            radio_check="x",
            unbind="x",
        ),
        subscribers=(
            Subscribers(SUPI.imsi, COUNT, HexOctets(K), HexOctets(OPC)),
            Subscribers(EAP, COUNT, HexOctets(K), HexOctets(OPC), authentication="EAP-AKA'"),
        ),
    )
    return Place(target, connect, Operator(network), network.clock, network.entropy)


def named(name: str) -> ParameterSet:
    marks = [pytest.mark.xfail(reason=PENDING[name])] if name in PENDING else []
    return pytest.param(name, marks=marks, id=name)


@pytest.mark.parametrize("name", [named(name) for name in LIBRARY])
def test_scenario(name: str) -> None:
    async def main() -> None:
        check = "fail-closed" if LIBRARY[name].needs[:1] == ("equipment_bar",) else "off"
        keys = "container" in name or "new-keys" in name
        network = Network(
            tacs=TACS,
            slices=SLICES,
            dnns=DNNS,
            equipment_check=check,
            new_kamf_at_handover=keys,
            access_categories=DEFINED if name.startswith("access-categories") else (),
        )
        network.provision(COUNT, slices=SLICES, dnns=DNNS)
        network.provision(COUNT, EAP, auth_method="EAP_AKA_PRIME", slices=SLICES, dnns=DNNS)
        await network.start()
        where = place(network)
        pool = Pool(where)
        for _ in range(2):
            result = await play(LIBRARY[name], where, pool)
            assert (result.verdict, result.reason) == ("PASS", "")
        if LIBRARY[name].area == "negative":
            await nothing_is_left(network)
        await network.stop()

    run_virtual(main())


async def nothing_is_left(network: Network) -> None:
    """What a stimulus has taken up is given back: connections, UEs, lines, tasks."""
    await asyncio.sleep(100)
    network.amf.sweep()
    amf = network.amf
    assert amf.access.connections == {}
    assert amf.access.rans == []
    assert amf.admission.gates == []
    assert all(ue.context.rm_state == "RM-REGISTERED" for ue in amf.registry.by_supi.values())
    assert set(amf.registry.by_tmsi.values()) <= set(amf.registry.by_supi.values())
    assert amf.runtime.busy == 0


def test_every_need_is_known() -> None:
    for one in LIBRARY.values():
        assert set(one.needs) <= NEEDS
