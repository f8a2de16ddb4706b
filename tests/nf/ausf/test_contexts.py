"""What is half open at the AUSF is bounded: in all, and for one subscriber."""

from __future__ import annotations

import tracemalloc

from cinq.nf.ausf import context
from cinq.nf.ausf.context import AkaContext, Contexts


def challenged(supi: str) -> AkaContext:
    return AkaContext(supi, "5G:mnc070.mcc999.3gppnetwork.org", bytes(16), bytes(32))


def test_strangers_fill_a_share_and_no_more() -> None:
    """In a storm that claims to be one subscriber its own UE has two seconds, and others are not touched."""
    contexts = Contexts()
    contexts.add("other", challenged("imsi-1"), 0.0)
    contexts.add("honest", challenged("imsi-2"), 0.0)
    for n in range(context.LIMIT_OF_ONE - 1):
        contexts.add(f"stranger {n}", challenged("imsi-2"), n / 1000)
    assert contexts.take("honest", 2.0) is not None
    for n in range(5 * context.LIMIT_OF_ONE):
        contexts.add(f"more {n}", challenged("imsi-2"), 2 + n / 1000)
    assert len(contexts) == context.LIMIT_OF_ONE + 1
    assert contexts.take("more 0", 20.0) is None
    assert contexts.take(f"more {n}", 20.0) is not None
    assert contexts.take("other", 20.0) is not None


def test_in_all_and_for_a_time() -> None:
    contexts = Contexts()
    for n in range(context.LIMIT + 100):
        contexts.add(str(n), challenged(f"imsi-{n}"), 0.0)
    assert len(contexts) == context.LIMIT
    assert contexts.take("99", 1.0) is None
    assert contexts.take("100", 1.0) is not None
    assert contexts.take("101", context.LIFETIME_S) is None
    contexts.add("late", challenged("imsi-0"), context.LIFETIME_S)
    assert len(contexts) == 1
    assert contexts.take("late", context.LIFETIME_S) is not None
    assert contexts.take("late", context.LIFETIME_S) is None


def test_nothing_is_left_of_those_that_are_over() -> None:
    contexts = Contexts()
    tracemalloc.start()
    for n in range(20_000):
        contexts.add(str(n), challenged(f"imsi-{n}"), 0.0)
        contexts.take(str(n), 1.0)
    assert tracemalloc.get_traced_memory()[0] < 20_000
    tracemalloc.stop()
