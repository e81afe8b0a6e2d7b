"""Published tables, and the exact constant, or a proved interval, in a column that they did not have.

    lipverify bench published [--section NAME ...] [--time-limit S] [--data FOLDER] [--out FILE]

The networks are not part of this package: they are read from the folder that LIPVERIFY_DATA or --data names, and so are
the printed numbers. A printed upper bound below the proved interval, or a printed lower bound above it, is named.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lipverify.bench.paper.page import prose, table
from lipverify.bench.published_sections import (
    Row,
    eclipse,
    eclipse_local,
    exlipbab,
    glipsdp,
    glipsdp_cnn,
    glipsdp_mnist,
    lipsdp,
    local_lipsdp,
    maxmin,
)
from lipverify.bench.stdout import stdout
from lipverify.errors import InvalidArgument
from lipverify.progress import status
from lipverify.report import digits_down, digits_up

SECTIONS: Mapping[str, Callable[[Path, float], tuple[str, str, list[Row]]]] = {
    "glipsdp": glipsdp,
    "glipsdp-cnn": glipsdp_cnn,
    "glipsdp-mnist": glipsdp_mnist,
    "local-lipsdp": local_lipsdp,
    "lipsdp": lipsdp,
    "eclipse": eclipse,
    "eclipse-local": eclipse_local,
    "exlipbab": exlipbab,
    "maxmin": maxmin,
}


def main(argv: list[str]) -> int:
    """Print the sections as Markdown, or write them to a file; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench published", description=__doc__)
    parser.add_argument("--section", action="append", choices=SECTIONS, help="only this one; repeatable")
    parser.add_argument("--time-limit", type=float, default=30.0, help="seconds for each exact constant (default 30)")
    parser.add_argument("--data", default=os.environ.get("LIPVERIFY_DATA"), help="the folder of networks")
    parser.add_argument("--out", type=Path, help="write the page to this file")
    options = parser.parse_args(argv)
    folder = Path(options.data) if options.data else None
    if folder is None or not folder.is_dir():
        raise InvalidArgument(f"the networks are read from a folder: set LIPVERIFY_DATA or --data; got {options.data}")
    lines = ["# Published numbers, with the truth beside them", ""]
    lines += prose(
        "Every section is one publication: its own printed numbers, ours by the same method where we have it, and "
        f"the exact constant, or an interval that is proved in {options.time_limit:g} s (of the convolutional ones: a "
        "climb and bounds, as long each). `lipverify bench published` makes this page from networks that are not part "
        "of the package (`LIPVERIFY_DATA`). LipDiff and LipMIP, whose tables belong here, have published neither the "
        "networks nor the seeds behind them."
    )
    with status() as show:
        for name in options.section or SECTIONS:
            show(name)
            title, text, rows = SECTIONS[name](folder, options.time_limit)
            lines += section(title, text, rows)
    page = "\n".join(lines).rstrip() + "\n"
    if options.out is not None:
        options.out.write_text(page, encoding="utf-8")
    else:
        stdout().file.write(page)
    return 0


def section(title: str, text: str, rows: list[Row]) -> list[str]:
    """A heading, a paragraph, the table, and who is on the wrong side."""
    columns = list(dict.fromkeys(name for row in rows for name in (*row.printed, *row.ours)))
    header = ["network", "exact", *columns]
    body = [[row.name, _interval(row), *(_cell(row, name) for name in columns)] for row in rows]
    wrong = [f"{row.name}: {name}" for row in rows for name in row.wrong()]
    verdict = f"On the wrong side: {'; '.join(wrong)}." if wrong else "No printed number is on the wrong side."
    return [f"## {title}", "", *prose(text), *table(header, body), "", *prose(verdict)]


def _interval(row: Row) -> str:
    low, high = digits_down(row.bound.lower), digits_up(row.upper)
    return low if row.settled else f"[{low}, {high}]"


def _cell(row: Row, name: str) -> str:
    printed, ours = row.printed.get(name), row.ours.get(name)
    parts = [] if printed is None else [f"{printed[1]:.6g}{' ✗' if name in row.wrong() else ''}"]
    return " / ".join([*parts, *([] if ours is None else [f"{ours:.6g} (ours)"])])
