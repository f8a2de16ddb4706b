"""cinq explain: why a UE or a gNB was refused, released or not answered, and what mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cinq.cli.output import Failure, console, settings, show_json
from cinq.settings.network import NetworkSettings


def command(
    whom: Annotated[
        str, typer.Argument(help="An IMSI or SUPI, the name of a gNB, or `last`. Nothing: the latest ten.")
    ] = "",
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file of the network.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Why a UE or a gNB was refused, released or not answered, and what mends it. Of a core that runs, or has run."""
    from cinq.explain import chosen, facts, names, stored, text
    from cinq.state import file_of, opened
    from cinq.transport.write_behind import StoreError

    state = settings(NetworkSettings, config).state
    file = file_of(state)
    if file is not None and not file.exists():
        raise Failure(
            f"no core has run with the state folder {file.parent}", "cinq up, or --config with its settings"
        )
    try:
        store = opened(state)
    except StoreError as error:
        raise Failure(str(error), "give a settings file with [state] folder = ... you may read") from None
    try:
        known = [incident for _, incident in stored(store)]
    finally:
        store.close()
    found = chosen(known, whom)
    if json:
        show_json([facts(each) for each in found])
        return
    out = console()
    if not found:
        others = names(known)
        out.print(
            f"nothing was refused{f' to {whom}' if whom not in ('', 'last') else ''}, as far as is kept"
        )
        if others:
            out.print(f"there is something of: {', '.join(others)}", soft_wrap=True)
    for each in found:
        first, *rest = text(each)
        out.print(Text(f"{first[0]}  ", "dim") + Text(first[1], "bold red"), soft_wrap=True)
        for label, said in rest:
            out.print(Text(f"  {label:<8} ", "bold") + Text(said), soft_wrap=True)
