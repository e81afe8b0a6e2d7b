"""The `lipverify` command: one file per subcommand, shared options in options.py. Importing this loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from lipverify.cli.signals import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    with guarded(last=argv is None):
        from lipverify.cli.app import run

        return run(argv)
