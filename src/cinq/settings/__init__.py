"""Settings: one frozen tree for each program, parsed once from one TOML file."""

from cinq.settings.toml import (
    BitRate,
    Documented,
    HexOctets,
    SettingsError,
    bit_rate,
    document,
    load,
    loads,
    rate_text,
    setting,
)

__all__ = [
    "BitRate",
    "Documented",
    "HexOctets",
    "SettingsError",
    "bit_rate",
    "document",
    "load",
    "loads",
    "rate_text",
    "setting",
]
