"""The experiments of Scaman & Virmaux (NeurIPS 2018, arXiv:1805.10965), with the exact constants beside them.

`lipverify bench paper` prints a page; `--write docs` writes it there as paper.md, with its figures. Each
section is a module with a function `section(options)`; a further one is added in `SECTIONS`.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from lipverify.bench.paper import cnn, ideal, mlp_section
from lipverify.bench.paper.page import Options, Section, prose
from lipverify.errors import LipverifyError

SECTIONS: tuple[Callable[[Options], Section], ...] = (ideal.section, mlp_section.section, cnn.section)
PACKAGES = ("numpy", "scipy", "torch", "highspy", "python-flint")


def main(argv: list[str]) -> int:
    """Print or write the page; exit code 1 when a bound contradicts an exact constant."""
    parser = argparse.ArgumentParser(prog="lipverify bench paper", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller networks: seconds instead of minutes")
    parser.add_argument("--seed", type=int, default=0, help="the seed of everything that is random (default 0)")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each upper bound of an MLP (default 20)")
    parser.add_argument("--write", type=Path, help="a folder for paper.md and its figures")
    given = parser.parse_args(argv)
    options = Options(given.quick, given.seed, given.seconds)
    # The page itself goes to stdout as it is: Markdown, without wrapping or colours.
    console, notes = Console(soft_wrap=True, highlight=False, markup=False), Console(stderr=True)
    sections: list[Section] = []
    try:
        for make in SECTIONS:
            notes.print(f"{make.__module__.rpartition('.')[2]} …")
            sections.append(make(options))
    except KeyboardInterrupt:
        if sections:  # half a page replaces no whole one
            console.print(_page(options, sections), end="")
        raise
    except LipverifyError as error:
        notes.print(str(error), style="red")
        return 1
    text = _page(options, sections)
    if given.write is None:
        console.print(text, end="")
        return 0
    given.write.mkdir(parents=True, exist_ok=True)
    (given.write / "paper.md").write_text(text, encoding="utf-8")
    for section in sections:
        for name, draw in section.figures.items():
            draw(given.write / name)
    return 0


def _page(options: Options, sections: Sequence[Section]) -> str:
    lines = [*_head(options), *(line for section in sections for line in (*section.lines, ""))]
    return "\n".join(lines).rstrip() + "\n"


def _head(options: Options) -> list[str]:
    installed = ", ".join(f"{name} {version(name)}" for name in PACKAGES if _installed(name))
    quick = " --quick" if options.quick else ""
    about = (
        "Scaman & Virmaux, *Lipschitz regularity of deep neural networks: analysis and efficient estimation*, "
        "NeurIPS 2018, [arXiv:1805.10965](https://arxiv.org/abs/1805.10965), compared estimates with each "
        "other. Here each of them stands beside the exact constant, or between proven ends."
    )
    origin = (
        f"Written by `lipverify bench paper{quick} --seed {options.seed} --seconds {options.seconds:g} --write docs`; "
        f"every number comes from that run. The seed {options.seed} is that of data, initial weights and "
        f"searches alike. Versions: Python {platform.python_version()}, {installed}; another torch may train "
        "other networks. Only a SeqLip whose pairs are not all closed depends on the machine."
    )
    return ["# The experiments of the paper, with the truth beside them", "", *prose(about), *prose(origin)]


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec({"python-flint": "flint"}.get(name, name)) is not None
