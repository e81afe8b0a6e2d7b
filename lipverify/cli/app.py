"""The application: its subcommands, and how errors become exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper

from cyclopts import App, CycloptsError

import lipverify as lv
from lipverify.cli import (
    audit,
    bench,
    campaign,
    check,
    claim,
    compare,
    demo,
    exact,
    hardness,
    lower,
    methods,
    tightness,
    upper,
)
from lipverify.cli.exits import BAD_INPUT, complain
from lipverify.cli.signals import NO_INTERVAL, WORDS
from lipverify.cli.wording import as_flags
from lipverify.text import ascii_where_needed

HELP = """Exact Lipschitz constants of ReLU networks, and every estimator held to them.

Exit codes: 0 the answer holds; 1 a method failed or broke its promise; 2 bad usage or input;
3 stopped by a limit, by Ctrl-C or by SIGTERM, with a valid interval.

`lipverify compare` needs no file: a small trained network comes along.
"""

app = App(
    name="lipverify",
    help=HELP,
    help_format="plaintext",
    version=lambda: version("lipverify"),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    exit_on_error=False,
    print_error=False,
)
app.command(compare.compare, help_epilogue=compare.EXAMPLES)
app.command(exact.exact, help_epilogue=exact.EXAMPLES)
app.command(upper.upper, help_epilogue=upper.EXAMPLES)
app.command(lower.lower, help_epilogue=lower.EXAMPLES)
app.command(claim.claim, help_epilogue=claim.EXAMPLES)
app.command(check.check, help_epilogue=check.EXAMPLES)
app.command(methods.methods)
app.command(audit.audit, help_epilogue=audit.EXAMPLES)
app.command(tightness.tightness, help_epilogue=tightness.EXAMPLES)
app.command(campaign.campaign, help_epilogue=campaign.EXAMPLES)
app.command(hardness.app)
app.command(demo.demo)
app.command(bench.bench, help_flags=[])


def run(argv: Sequence[str] | None) -> int:
    """Run a command line, this process' own if it is None, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=ascii_where_needed())
    try:
        result = app(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except CycloptsError as error:
        return complain(str(error), BAD_INPUT)
    except lv.LipverifyError as error:
        return complain(as_flags(str(error)), BAD_INPUT)
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        return complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return complain(WORDS, NO_INTERVAL)
    return result if isinstance(result, int) else 0


def _reader_left() -> int:
    """`lipverify … | head`: leave quietly, without Python's complaint about stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
