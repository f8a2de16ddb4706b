"""Public warnings as UEs hear them: TS 23.041 §8.2 and §9.4, TS 38.331 §5.2.2.2.2 (SIB6, SIB7, SIB8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cinq.procedure import run_virtual
from cinq.ran.gnb.procedures import warning
from cinq.ran.radio.link import RadioServer
from cinq.ran.radio.port import Warning
from cinq.ran.radio.remote import RemoteCell
from cinq.ran.ue import Ue, UeSettings
from cinq.ran.ue.broadcast import KEPT, Shown, Warnings
from cinq.wire import cbs, ngap

from .core import Core, Entropy, Radio, settle

TEXT = "Flut! Geht auf den Berg {7}"


def request(identifier: int, serial: int = 1, **changes: object) -> ngap.WriteReplaceWarningRequest:
    return ngap.WriteReplaceWarningRequest(
        message_identifier=identifier,
        serial_number=serial,
        repetition_period=10,
        number_of_broadcasts_requested=5,
        **changes,
    )  # type: ignore[arg-type]


def text(identifier: int, serial: int = 1, **changes: object) -> ngap.WriteReplaceWarningRequest:
    coding, contents = cbs.encode(TEXT)
    return request(
        identifier,
        serial,
        data_coding_scheme=coding,
        warning_message_contents=contents,
        **changes,
    )


def test_idle_and_connected_ues_show_it_once() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        idle, connected = radio.ue(), Ue(UeSettings(), radio.gnb, radio.runtime, Entropy())
        await connected.register()
        seen: list[Shown] = []
        idle.on_shown = lambda _, shown: seen.append(shown)
        for _ in range(2):
            warning.write_replace(radio.gnb.n2, text(4370))
        warning.write_replace(radio.gnb.n2, text(4370, 2, concurrent_warning_message_ind="true"))
        await settle()
        assert [(s.kind, s.text, s.serial_number) for s in seen] == [("CMAS", TEXT, 1), ("CMAS", TEXT, 2)]
        assert connected.warnings.shown == seen
        late = Ue(UeSettings(), radio.gnb, radio.runtime, Entropy())
        assert late.warnings.shown == seen
        warning.cancel(radio.gnb.n2, ngap.PWSCancelRequest(message_identifier=4370, serial_number=1))
        assert [
            s.serial_number for s in Ue(UeSettings(), radio.gnb, radio.runtime, Entropy()).warnings.shown
        ] == [2]

    run_virtual(main())


def test_etws_in_two_blocks() -> None:
    """The primary notification says what it is and how loud; the secondary one has the text."""

    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        warning.write_replace(radio.gnb.n2, text(4353, warning_type=bytes.fromhex("0380")))
        first, second = ue.warnings.shown
        assert (first.kind, first.text) == ("ETWS primary notification", "tsunami")
        assert first.is_loud
        assert first.is_popup
        assert (second.kind, second.text) == ("ETWS", TEXT)

    run_virtual(main())


@pytest.mark.parametrize(
    "broken",
    [Warning(8, 1, 1, 0, 0x0F, b"\x10"), Warning(8, 1, 1, 0, 0x77, cbs.encode("a").octets), Warning(9, 1, 1)],
    ids=["contents", "coding", "block"],
)
def test_what_cannot_be_read_is_not_shown(broken: Warning) -> None:
    assert Warnings().heard(broken) is None


def test_what_is_kept_is_bounded() -> None:
    warnings = Warnings()
    coding, contents = cbs.encode("a")
    for serial in range(3 * KEPT):
        assert warnings.heard(Warning(8, 4370, serial, 0, coding, contents)) is not None
    assert len(warnings.shown) == len(warnings._seen) == KEPT


def test_over_the_radio_socket() -> None:
    """A UE of another process hears the same."""

    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        near, far = Wire(), Wire()
        server = RadioServer(radio.gnb, near)
        cell = RemoteCell(far)
        near.other, far.other = cell.frame, server.frame
        far.flush()
        ue = Ue(UeSettings(), cell, radio.runtime, Entropy())
        warning.write_replace(radio.gnb.n2, text(4353, warning_type=bytes.fromhex("0100")))
        assert [s.text for s in ue.warnings.shown] == ["earthquake", TEXT]

    run_virtual(main())


class Wire:
    """A connection whose frames arrive at once."""

    def __init__(self) -> None:
        self.other: Callable[[bytes], None] | None = None
        self.waiting: list[bytes] = []

    def send(self, octets: bytes) -> None:
        self.waiting.append(octets)
        self.flush()

    def flush(self) -> None:
        while self.other is not None and self.waiting:
            self.other(self.waiting.pop(0))

    def close(self) -> None:
        raise AssertionError("the connection was closed")
