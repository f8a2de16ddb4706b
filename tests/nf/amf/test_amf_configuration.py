"""AMF Configuration Update and AMF Status Indication, TS 38.413 §8.7.3 and §8.7.6."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cinq.numbering import PlmnId, SNssai
from cinq.wire import ngap

from .gnb import Gnb
from .phone import Phone
from .world import World, run

UPDATE = ngap.AMFConfigurationUpdate


async def changed(world: World) -> tuple[Gnb, Gnb]:
    """A gNB that is set up and one that is not, while the AMF becomes another in part."""
    gnb, other = await Gnb(world).set_up(), Gnb(world, 2)
    world.amf.reconfigure(
        replace(world.settings, name="renamed", relative_capacity=7, slices=(SNssai(1), SNssai(2)))
    )
    await asyncio.sleep(0.1)
    return gnb, other


def test_gnbs_hear_what_has_changed() -> None:
    async def test(world: World) -> None:
        gnb, other = await changed(world)
        told = gnb.last(UPDATE)
        assert (told.amf_name, told.relative_amf_capacity) == ("renamed", 7)
        assert told.plmn_support_list is not None
        assert [i.s_nssai.sst for i in told.plmn_support_list[0].slice_support_list] == [b"\1", b"\2"]
        assert other.count(UPDATE) == 0
        gnb.say(ngap.RANConfigurationUpdate(ran_node_name="meanwhile"))  # does not wait for the other
        gnb.say(ngap.AMFConfigurationUpdateAcknowledge())
        await world.quiet()
        assert gnb.count(ngap.RANConfigurationUpdateAcknowledge) == 1
        assert (gnb.count(UPDATE), gnb.count(ngap.ErrorIndication)) == (1, 0)
        late = await Gnb(world, 3).set_up()
        assert late.last(ngap.NGSetupResponse).amf_name == "renamed"
        await Phone(world).registered(gnb)

    run(test)


def test_a_gnb_that_refuses_for_a_time() -> None:
    """§8.7.3.3: asked again after it, not before; with what is true by then; in the end it is left alone."""

    async def test(world: World) -> None:
        gnb, _ = await changed(world)
        failure = ngap.AMFConfigurationUpdateFailure(cause=("misc", "unspecified"), time_to_wait="v20s")
        for count in (1, 2, 3):
            assert gnb.count(UPDATE) == count
            gnb.say(failure)
            await asyncio.sleep(19)
            assert gnb.count(UPDATE) == count
            await asyncio.sleep(2)
        assert gnb.count(UPDATE) == 3
        await world.quiet()

    run(test)


def test_a_gnb_that_refuses_at_all() -> None:
    async def test(world: World) -> None:
        gnb, _ = await changed(world)
        gnb.say(ngap.AMFConfigurationUpdateFailure(cause=("misc", "unspecified")))
        await world.quiet()
        assert gnb.count(UPDATE) == 1
        assert any("does not take the AMF's configuration: unspecified" in c for c in world.causes())

    run(test)


def test_a_silent_gnb_hears_it_twice() -> None:
    """§8.7.3.4: the same once more."""

    async def test(world: World) -> None:
        gnb, _ = await changed(world)
        await asyncio.sleep(60)
        first, second = (m for m in gnb.heard if isinstance(m, UPDATE))
        assert first == second
        assert any("AMF Configuration Update guard expired" in cause for cause in world.causes())
        await Phone(world).registered(gnb)

    run(test)


def test_an_amf_does_not_become_another() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        with pytest.raises(ValueError, match="cannot become another"):
            world.amf.reconfigure(replace(world.settings, plmn=PlmnId("001", "01")))
        await asyncio.sleep(0.1)
        assert gnb.count(UPDATE) == 0

    run(test)


def test_an_amf_that_stops_says_so() -> None:
    async def test(world: World) -> None:
        gnb, other = await Gnb(world).set_up(), Gnb(world, 2)
        await Phone(world).registered(gnb)
        await world.amf.stop()
        (item,) = gnb.last(ngap.AMFStatusIndication).unavailable_guami_list
        assert item.guami == gnb.last(ngap.NGSetupResponse).served_guami_list[0].guami
        assert item.backup_amf_name is None
        assert other.count(ngap.AMFStatusIndication) == 0

    run(test)
