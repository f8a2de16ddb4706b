"""What a type checker knows of the generated classes, and that the classes are those of the generator at hand."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from cinq.wire import ngap

SOURCE = Path(ngap.__file__).parents[3]
PROGRAM = """
from typing import assert_never, assert_type
from cinq.wire import ngap

def read(octets: bytes) -> str | None:
    message = ngap.decode(octets)
    assert_type(message, ngap.Pdu)
    match message:
        case ngap.InitialUEMessage(ran_ue_ngap_id=ran, nas_pdu=nas, five_g_s_tmsi=tmsi):
            assert_type(ran, int)
            assert_type(nas, bytes)
            assert_type(tmsi, ngap.FiveGSTMSI | None)
            match message.user_location_information:
                case ("userLocationInformationNR", location):
                    assert_type(location, ngap.UserLocationInformationNR)
                case ("UserLocationInformationTNGF", tngf):
                    assert_type(tngf, ngap.UserLocationInformationTNGF)
        case ngap.NGSetupRequest():
            assert_type(message.supported_ta_list, list[ngap.SupportedTAItem])
            assert_type(message.ran_node_name, str | None)
        case ngap.NGReset(reset_type=reset):
            if reset[0] == "nG-Interface":
                assert_type(reset[1], ngap.ResetAll)
            elif reset[0] == "partOfNG-Interface":
                assert_type(reset[1], list[ngap.UEassociatedLogicalNGconnectionItem])
            else:
                assert_never(reset[0])
    assert_type(ngap.decode_value(ngap.HandoverCommandTransfer, octets), ngap.HandoverCommandTransfer)
    cause: ngap.Cause = ("nas", "normal-release")
    ngap.encode(ngap.UEContextReleaseCommand(ue_ngap_ids=("aMF-UE-NGAP-ID", 1), cause=cause))
    return message.PROCEDURE
"""
WRONG = """
from cinq.wire import ngap
ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=2)
ngap.UEContextReleaseCommand(ue_ngap_ids=("aMF-UE-NGAP-ID", 1), cause=("nas", "normal-releas"))
ngap.TAI(plmn_identity="99970", tac=b"")
"""


def checked(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    api = pytest.importorskip("mypy.api")
    monkeypatch.setenv("MYPYPATH", str(SOURCE))
    path = folder / "program.py"
    path.write_text(program)
    told, failed, _ = api.run(["--strict", "--config-file=", f"--cache-dir={folder / 'cache'}", str(path)])
    assert not failed
    return str(told)


def test_a_type_checker_knows_every_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked(PROGRAM, tmp_path, monkeypatch).startswith("Success")
    told = checked(WRONG, tmp_path, monkeypatch)
    assert told.count("error:") == 3


def test_aliases_exist_at_run_time_too() -> None:
    assert ngap.Cause is tuple
    assert ngap.RRCEstablishmentCause is str
    assert all(hasattr(ngap, name) for name in ngap.__all__)


def test_the_generated_code_is_that_of_the_generator_at_hand() -> None:
    build = runpy.run_path(str(SOURCE / "cinq" / "wire" / "per" / "build.py"))
    for protocol in build["PROTOCOLS"]:
        stamp = SOURCE / "cinq" / "wire" / protocol / "generated" / build["STAMP"]
        assert stamp.read_text() == build["fingerprint"](), "run src/cinq/wire/per/build.py"
        assert list((stamp.parent / "__pycache__").glob("types.*.pyc"))
