"""The gNB's association: sought until there is one, and not where there cannot be one."""

from __future__ import annotations

import os

import pytest

from cinq.procedure import Runtime, run_virtual
from cinq.ran.gnb import Gnb, GnbSettings
from cinq.transport.error import NoAnswerError
from cinq.transport.privilege import PrivilegeError
from cinq.transport.sctp import Association, AssociationHandler

from .core import Core, settle


def test_an_amf_that_is_not_there_yet_is_sought_again(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        core = Core()
        answers: list[OSError | None] = [NoAnswerError("no SCTP answer", "start it")] * 3 + [None]

        async def connect(handler: AssociationHandler) -> Association:
            if (error := answers.pop(0)) is not None:
                raise error
            return await core.connect(handler)

        gnb = Gnb(GnbSettings(), connect, Runtime("RAN"), os.urandom)
        gnb.start()
        await gnb.up()
        assert not answers
        await gnb.stop()

    run_virtual(run())
    assert caplog.messages == ["AMF 127.0.0.5:38412: no SCTP answer; tried again every 5 s"]


def test_what_this_host_lacks_ends_the_search() -> None:
    async def run() -> None:
        lacking = PrivilegeError("CAP_NET_RAW is missing")

        async def connect(handler: AssociationHandler) -> Association:
            raise lacking

        runtime = Runtime("RAN")
        gnb = Gnb(GnbSettings(), connect, runtime, os.urandom)
        gnb.start()
        with pytest.raises(PrivilegeError) as found:
            await gnb.up()
        assert found.value is lacking
        await settle()
        assert runtime.busy == 0
        await gnb.stop()

    run_virtual(run())


def test_an_association_is_sought_again_whatever_is_in_the_way_later() -> None:
    async def run() -> None:
        core = Core()
        answers: list[OSError | None] = [None, OSError(99, "no such address"), None]

        async def connect(handler: AssociationHandler) -> Association:
            if (error := answers.pop(0)) is not None:
                raise error
            return await core.connect(handler)

        gnb = Gnb(GnbSettings(), connect, Runtime("RAN"), os.urandom)
        gnb.start()
        await gnb.up()
        core.lose("gone")
        await gnb.up()
        assert not answers
        await gnb.stop()

    run_virtual(run())
