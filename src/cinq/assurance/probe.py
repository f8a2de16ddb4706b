"""What the target shows of itself before it is asked anything."""

from __future__ import annotations

from cinq.assurance.evidence import Identity
from cinq.assurance.run import Stage
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.spoil import identities


async def identity(stage: Stage) -> Identity:
    """By an NG Setup. Unreachable: it does not let a gNB in."""
    bench = Bench(stage.place("identity"), [])
    try:
        gnb = await bench.gnb()
        context = gnb.n2.context
        response = next(
            e.octets for e in bench.events if e.direction == "in" and e.message == "NGSetupResponse"
        )
        return Identity(
            context.amf_name,
            tuple(
                f"{plmn} region {amf.region} set {amf.set} pointer {amf.pointer}"
                for plmn, amf in context.guamis
            ),
            context.relative_capacity,
            tuple(f"{plmn} {slice_}" for plmn, slice_ in context.slices),
            identities(response),
        )
    finally:
        await bench.close()
