"""Options that the `gateway` commands share; light, because every `--help` loads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Config = Annotated[
    Path | None,
    Parameter(name="--config", help="Settings; else gateway.toml in the project folder, where there is one."),
]
PolicyFile = Annotated[Path | None, Parameter(name="--policy", help="policy.yaml; else the one the settings name.")]
Who = Annotated[str, Parameter(help="Who orders it; kept with the order.")]
Why = Annotated[str, Parameter(help="Why; kept with the order.")]
