"""Settings: one frozen tree for each program, parsed once from one TOML file."""

from cinq.settings.toml import (
    BitRate,
    Documented,
    HexOctets,
    SettingsError,
    Several,
    bit_rate,
    document,
    examined,
    load,
    loads,
    none_of,
    rate_text,
    read_text,
    setting,
)

__all__ = [
    "BitRate",
    "Documented",
    "HexOctets",
    "SettingsError",
    "Several",
    "bit_rate",
    "document",
    "examined",
    "load",
    "loads",
    "none_of",
    "rate_text",
    "read_text",
    "setting",
]
