"""Several TNL associations of one NG-C interface: TS 38.413 §8.7.3 and §8.13.1, TS 23.501 §5.21.1.2."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from cinq.procedure import run_virtual
from cinq.ran.gnb import Gnb, GnbSettings
from cinq.ran.gnb.n2.tnla import Endpoint, Tnla
from cinq.ran.ue import Ue, UeSettings
from cinq.transport.error import TransportError
from cinq.wire import ngap

from .core import Core, Entropy, Runtime, settle

ADDRESS: ngap.CPTransportLayerInformation = ("endpointIPAddress", (int(IPv4Address("10.99.0.7")), 32))
PORT = ngap.EndpointIPAddressAndPort(
    endpoint_ip_address=(int(IPv4Address("10.99.0.8")), 32), port_number=(39000).to_bytes(2, "big")
)


class Second(Core):
    """The AMF at its other address: it joins what comes to the interface, or does not."""

    outbound_streams = 2
    joins = True

    def _receive(self, octets: bytes) -> None:
        super()._receive(octets)
        if isinstance(self.heard[-1], ngap.RANConfigurationUpdate):
            fails = ngap.RANConfigurationUpdateFailure(cause=("misc", "unspecified"))
            self.tell(ngap.RANConfigurationUpdateAcknowledge() if self.joins else fails)


class World:
    def __init__(self) -> None:
        self.first, self.second = Core(), Second()
        self.asked: list[Endpoint] = []

        async def further(endpoint: Endpoint, handler: Tnla) -> Core:
            self.asked.append(endpoint)
            if endpoint[0] == "10.99.0.8":
                raise TransportError("10.99.0.8 does not answer")
            return await self.second.connect(handler)

        self.runtime = Runtime("RAN")
        self.gnb = Gnb(GnbSettings(), self.first.connect, self.runtime, Entropy(), further=further)  # type: ignore[arg-type]

    async def up(self) -> Ue:
        self.gnb.start()
        await self.gnb.up()
        ue = Ue(UeSettings(), self.gnb, self.runtime, Entropy())
        await ue.power_on()
        await settle()
        self.second.ues, self.second.by_guti = self.first.ues, self.first.by_guti
        return ue

    async def add(
        self, *addresses: ngap.CPTransportLayerInformation
    ) -> ngap.AMFConfigurationUpdateAcknowledge:
        items = [
            ngap.AMFTNLAssociationToAddItem(amf_tnl_association_address=a, tnl_address_weight_factor=3)
            for a in addresses
        ]
        self.first.tell(ngap.AMFConfigurationUpdate(amf_tnl_association_to_add_list=items))
        await settle()
        answer = self.first.heard[-1]
        assert isinstance(answer, ngap.AMFConfigurationUpdateAcknowledge)
        return answer

    def says(self, core: Core) -> None:
        core.tell(ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=1, nas_pdu=b"\x7e\0\x68"))


def test_opened_and_joined() -> None:
    async def main() -> None:
        world = World()
        await world.up()
        answer = await world.add(ADDRESS, ("EndpointIPAddressAndPort", PORT))
        assert world.asked == [("10.99.0.7", 38412), ("10.99.0.8", 39000)]
        (done,) = answer.amf_tnl_association_setup_list or ()
        assert done.amf_tnl_association_address == ADDRESS
        (failed,) = answer.amf_tnl_association_failed_to_setup_list or ()
        assert failed.cause == ("transport", "transport-resource-unavailable")
        (update,) = world.second.heard
        assert isinstance(update, ngap.RANConfigurationUpdate)
        assert update.global_ran_node_id is not None
        assert world.second.octets[0][0] == 0
        await world.add(ADDRESS)
        assert len(world.asked) == 2

    run_virtual(main())


def test_not_joined() -> None:
    async def main() -> None:
        world = World()
        await world.up()
        world.second.joins = False
        answer = await world.add(ADDRESS)
        assert answer.amf_tnl_association_setup_list is None
        assert world.second.aborted
        assert not world.gnb.n2.tnlas

    run_virtual(main())


def test_the_ue_goes_by_the_one_that_the_amf_chose() -> None:
    """Until its binding is released; its stream is one for UEs on either association."""

    async def main() -> None:
        world = World()
        ue = await world.up()
        await world.add(ADDRESS)
        world.says(world.second)
        await settle()
        ue.link.uplink(b"\x7e\0\x57")
        await settle()
        assert isinstance(world.second.heard[-1], ngap.UplinkNASTransport)
        assert world.second.octets[-1][0] == 1
        world.says(world.first)
        await settle()
        before = len(world.second.heard)
        ue.link.uplink(b"\x7e\0\x57")
        await settle()
        assert len(world.second.heard) == before
        world.first.tell(ngap.UETNLABindingReleaseRequest(amf_ue_ngap_id=1, ran_ue_ngap_id=1))
        await settle()
        assert world.gnb.n2.ues[1].context.has_context
        ue.link.uplink(b"\x7e\0\x57")
        await settle()
        assert len(world.second.heard) == before + 1

    run_virtual(main())


@pytest.mark.parametrize("first", [True, False])
def test_one_is_lost(first: bool) -> None:
    """The UEs stay, and go by the other; only the last one ends the interface."""

    async def main() -> None:
        world = World()
        ue = await world.up()
        await world.add(ADDRESS)
        world.says(world.second)
        await settle()
        (world.first if first else world.second).lose("path failure")
        await settle()
        assert ue.link.connected
        left = world.second if first else world.first
        count = len(left.heard)
        ue.link.uplink(b"\x7e\0\x57")
        await settle()
        assert len(left.heard) == count + 1
        left.lose("path failure")
        await settle()
        assert not ue.link.connected
        assert world.gnb.system_information().barred

    run_virtual(main())


@pytest.mark.parametrize("with_first", [True, False])
def test_removed_by_the_amf(with_first: bool) -> None:
    async def main() -> None:
        world = World()
        ue = await world.up()
        await world.add(ADDRESS)
        address = IPv4Address("10.99.0.1" if with_first else "10.99.0.7")
        gone = ngap.AMFTNLAssociationToRemoveItem(
            amf_tnl_association_address=("endpointIPAddress", (int(address), 32))
        )
        sender = world.second if with_first else world.first
        sender.tell(ngap.AMFConfigurationUpdate(amf_tnl_association_to_remove_list=[gone]))
        await settle()
        assert isinstance(sender.heard[-1], ngap.AMFConfigurationUpdateAcknowledge)
        assert not world.gnb.n2.tnlas
        assert ue.link.connected
        assert (world.first.handler is None) == with_first
        assert (world.second.handler is None) != with_first

    run_virtual(main())
