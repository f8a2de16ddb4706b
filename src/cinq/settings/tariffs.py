"""Price lists of a network: those of its settings, and those of its tariff files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cinq.settings import toml
from cinq.settings.charging import Rate, Tariff, TariffFile
from cinq.settings.network import NetworkSettings
from cinq.settings.toml import SettingsError


def tariffs_of(s: NetworkSettings) -> tuple[Sequence[Tariff], Sequence[Rate]]:
    """SettingsError: a file that cannot be used, with its line; a tariff twice; one that is wanted and not there."""
    tariffs, rates = list(s.tariff), list(s.rate)
    for name in s.charging.tariff_files:
        found = toml.load(TariffFile, Path(name))
        for one in found.tariff:
            if any(known.name == one.name for known in tariffs):
                raise SettingsError(name, None, "tariff", f"{one.name} is there already, wanted another name")
        tariffs += found.tariff
        rates += found.rate
    try:
        s.check_names([one.name for one in tariffs])
    except ValueError as error:
        raise SettingsError(", ".join(s.charging.tariff_files), None, "", str(error)) from None
    return tariffs, rates
