"""The event stream over its socket: what a follower gets is what was emitted."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path

from cinq.procedure import Event, Journal, Why
from cinq.trace.stream import Greeting, follow, serve

PLAIN = Event(
    1.0, "AMF", "imsi-1", "registration", "in", "N1", "REGISTRATION REQUEST", "", b"\x7e\0", peer="UE"
)
REFUSED = Event(
    2.0,
    "AMF",
    "UE 7",
    "registration",
    "none",
    "N1",
    "REGISTRATION REQUEST",
    Why("refused: no subscriber", "cinq subscriber add"),
    address="10.0.0.1:5",
    behalf="UE 7",
    whereabouts="gnb-1",
)


def test_events_cross_with_what_mends_them(tmp_path: Path) -> None:
    path = str(tmp_path / "core.sock")
    journal, greeted = Journal(), list[Greeting]()

    async def main() -> list[Event]:
        listener = await serve(path, journal, "core", {"AMF": "10.0.0.5"})
        found: list[Event] = []
        connected = asyncio.Event()

        def ready(core: Greeting) -> None:
            greeted.append(core)
            connected.set()

        async def take() -> None:
            async for event in follow(path, ready):
                found.append(event)
                if len(found) == 2:
                    return

        task = asyncio.ensure_future(take())
        await connected.wait()
        journal.emit(PLAIN)
        journal.emit(REFUSED)
        await asyncio.wait_for(task, 5)
        listener.close()
        return found

    found = asyncio.run(main())
    assert (greeted[0].network, greeted[0].addresses) == ("core", {"AMF": "10.0.0.5"})
    for sent, came in zip((PLAIN, REFUSED), found, strict=True):
        for each in fields(Event):
            assert getattr(came, each.name) == getattr(sent, each.name), each.name
    assert found[1].mend == "cinq subscriber add"


def test_listeners_to_trouble_want_no_other_events() -> None:
    journal, heard = Journal(), list[Event]()
    end = journal.listen(heard.append, trouble=True)
    assert (journal.listening, journal.heeding) == (False, True)
    end_of_all = journal.listen(heard.append)
    assert (journal.listening, journal.heeding) == (True, True)
    end_of_all()
    end()
    assert (journal.listening, journal.heeding) == (False, False)
