"""Packages of named versions in a folder of their own, beside those of this environment: to audit what was released."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from lipverify.errors import InvalidArgument


@contextmanager
def installed(requirements: Sequence[str]) -> Generator[str]:
    """A folder with these packages, installed by pip and nothing else with them; it is deleted at the end.

    What they need and this environment lacks, or has in a version that does not fit, has to be named as well.

    Raises
    ------
    InvalidArgument
        When pip cannot install them; with what it said.
    """
    strange = [text for text in requirements if not text or text.startswith("-")]
    if strange:
        raise InvalidArgument(f"a requirement is NAME==VERSION, as for pip; got {strange[0]!r}")
    with tempfile.TemporaryDirectory(prefix="lipverify-audit-") as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise InvalidArgument(f"pip could not install {', '.join(requirements)}: {done.stderr.strip()[-500:]}")
        yield folder
