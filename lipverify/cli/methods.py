"""lipverify methods"""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

import lipverify as lv
from lipverify.cli.exits import HOLDS
from lipverify.cli.printing import say, say_json
from lipverify.tables import width_of_terminal


def methods(
    *,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False,
) -> int:
    """List the methods: which side each bounds, how rigorously, in which norms and where, and what it costs."""
    known = lv.methods()
    if json:
        say_json(known.to_dict())
    else:
        say(known.table(width_of_terminal() if sys.stdout.isatty() else None))
    return HOLDS
