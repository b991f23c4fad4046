"""The program itself: `baseload`, or `python -m baseload`. Interrupted while it is loaded, it ends without a word."""

import sys

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells tell it."""


def main() -> None:
    """Run the command line, and end with its exit code."""
    try:
        from baseload.cli.main import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
