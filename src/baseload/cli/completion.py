"""`baseload completion`: the script a shell completes commands with; start-up files are touched only when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Shell = Literal["bash", "zsh", "fish"]


def completion(
    *,
    shell: Annotated[Shell | None, Parameter(help="Which shell; the one in use if unsaid.")] = None,
    install: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="Put the script in place and load it in the start-up file."),
    ] = False,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="Write the script to this file instead of printing it.")
    ] = None,
) -> int:
    """Print the script that completes commands and options in bash, zsh or fish.

    Nothing on this machine changes without --install, which writes the script where the shell looks for it and, for
    bash and zsh, adds a line to ~/.bashrc or ~/.zshrc.

    Examples
    --------
    baseload completion --shell bash > baseload.bash
    baseload completion --install
    """
    from cyclopts.completion import detect_shell
    from cyclopts.completion.detect import ShellDetectionError

    from baseload.cli.main import app
    from baseload.errors import UsageError

    try:
        chosen = shell or detect_shell()
    except ShellDetectionError as error:
        raise UsageError("the shell in use cannot be told. Name it: --shell bash, zsh or fish.") from error
    if install:
        print(f"Installed {app.install_completion(shell=chosen, output=output)}. Open a new shell.")  # noqa: T201
    elif output is not None:
        output.write_text(app.generate_completion(shell=chosen), encoding="utf-8")
    else:
        print(app.generate_completion(shell=chosen))  # noqa: T201 - the script itself
    return 0
