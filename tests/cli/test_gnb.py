"""cinq gnb with several gNBs: what it says before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from cinq.cli.gnb import command
from cinq.cli.output import Failure


def test_a_file_that_does_not_hold(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("gnb_id = 1\n")
    bad.write_text("[[cells]]\ncell = 1\n[[cells]]\ncell = 1\n")
    with pytest.raises(Failure, match="one cell number twice"):
        command(config=[good, bad])


def test_counted_beyond_the_last_identity(tmp_path: Path) -> None:
    settings = tmp_path / "gnb.toml"
    settings.write_text(f"gnb_id = {(1 << 22) - 2}\ngnb_id_bits = 22\n")
    with pytest.raises(Failure, match="gnb_id: found 4194304") as failure:
        command(config=[settings], count=3)
    assert "lower gnb_id" in failure.value.mend
