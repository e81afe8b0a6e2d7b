"""What the site adds to these pages: the proofs and the project's own files, and the commands' help.

A hook of mkdocs. Pages link to files by their places in the repository, so that they read well there too; here every
such link is turned to the page that the file becomes, or to a copy of it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
DOCS = "docs/"
OWN = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "lipverify/certificates/FORMAT.md")
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)]*)?\))")
COMMANDS = "<!-- commands -->"


def places() -> dict[str, str]:
    """Where files of the repository, other than those in docs/, stand on the site."""
    pages = [path.relative_to(ROOT).as_posix() for path in (ROOT / "proofs").glob("*.md")]
    return {path: path for path in (*sorted(pages), *OWN)}


def on_files(files: Files, config: Any) -> Files:
    """The pages from elsewhere, and what pages link to."""
    for source, place in places().items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    texts = [ROOT / source for source in places()] + [
        Path(f.abs_src_path) for f in files.documentation_pages() if f.abs_src_path
    ]
    known = {file.src_uri for file in files}
    for path in texts:
        folder = path.parent.relative_to(ROOT).as_posix()
        for _, target, _ in LINK.findall(path.read_text(encoding="utf-8")):
            source = posixpath.normpath(posixpath.join(folder, target))
            elsewhere = "://" not in target and not source.startswith(DOCS) and source != "README.md"
            if elsewhere and source not in known and (ROOT / source).is_file():
                known.add(source)
                files.append(File.generated(config, source, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links by their places on the site, and the commands in their place."""
    uri = page.file.src_uri
    source = uri if uri in places() else DOCS + uri
    here = posixpath.dirname(uri)

    def turned(match: re.Match[str]) -> str:
        target = match[2]
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        place = "index.md" if path == "README.md" else path.removeprefix(DOCS)
        return match[1] + posixpath.relpath(place, here or ".") + match[3]

    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, commands())
    return LINK.sub(turned, markdown)


def commands() -> str:
    """The commands' help, as the command line itself prints it."""
    from lipverify.cli.app import app

    text = app.generate_docs(output_format="markdown", recursive=True, heading_level=2)
    return re.sub(r".*?(?=^#+ `?lipverify compare)", "", text, count=1, flags=re.DOTALL | re.MULTILINE)
