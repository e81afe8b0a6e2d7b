"""The bytes of a file, plain or gzipped, with a limit on how much a small file may unfold into."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from lipverify.errors import InvalidDomain, InvalidNetwork
from lipverify.readers.limits import MOST_BYTES

_CHUNK = 1 << 20


def read_bytes(
    path: Path, error: type[InvalidNetwork | InvalidDomain] = InvalidNetwork, *, limit: int = MOST_BYTES
) -> bytes:
    """The content of a file, decompressed when its name ends in .gz.

    Raises
    ------
    InvalidNetwork or InvalidDomain
        As `error` says: for a missing file, a directory, a broken archive, or more than `limit` bytes.
    """
    require_file(path, error)
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            content = bytearray()  # grown as the file turns out: a small one needs little
            while len(content) <= limit and (chunk := stream.read(_CHUNK)):
                content += chunk
    except (OSError, EOFError, zlib.error) as cause:
        raise error(f"cannot read {path}: {cause}") from cause
    if len(content) > limit:
        raise error(f"{path} holds more than {limit} bytes; the readers stop there")
    return bytes(content)


def require_file(path: Path, error: type[InvalidNetwork | InvalidDomain] = InvalidNetwork) -> None:
    """Raise the error unless the path is a file."""
    if path.is_dir():
        raise error(f"{path} is a directory; expected a file")
    if not path.is_file():
        raise error(f"there is no file {path}")
