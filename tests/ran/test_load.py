"""The registration load: all come through, the failures are counted with their reasons."""

from __future__ import annotations

from cinq.procedure import run_virtual
from cinq.ran.load import Load, LoadSettings, run

from .core import Core, Entropy, Radio


def test_all_come_and_go() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        seen: list[int] = []
        settings = LoadSettings(ues=40, in_flight=7, deregister=True)
        outcome = await run(settings, radio.gnb, radio.runtime, Entropy(), seen.append)
        assert outcome.done == 40
        assert outcome.errors == {}
        assert seen == list(range(1, 41))
        assert not radio.gnb.links
        assert not radio.gnb.n2.ues
        assert outcome.attach_ms(0.5) <= outcome.attach_ms(0.99)
        assert len({ue.supi for ue in core.ues.values()}) == 40

    run_virtual(main())


def test_failures_are_counted() -> None:
    async def main() -> None:
        core = Core()
        core.reject_registration = 11
        radio = Radio(core)
        await radio.up()
        load = Load(LoadSettings(ues=5, in_flight=2), radio.gnb, radio.runtime, Entropy())
        outcome = await load.run()
        assert outcome.done == 0
        assert outcome.errors == {"5GMM cause #11 PLMN not allowed": 5}
        load.leave()
        assert not radio.gnb.links

    run_virtual(main())


def test_none() -> None:
    async def main() -> None:
        radio = Radio(Core())
        await radio.up()
        outcome = await run(LoadSettings(ues=0), radio.gnb, radio.runtime, Entropy())
        assert outcome.samples == ()
        assert outcome.attach_ms(0.5) == 0

    run_virtual(main())
