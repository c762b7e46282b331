"""Where the data files are, in a wheel, an editable install, a checkout or a zip."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cbc_screen.errors import KnowledgeError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def reference_ranges_root() -> Traversable:
    """Return the root of reference_ranges/.

    A checkout wins over the copy that an editable install leaves beside the package:
    that copy is stale as soon as a file is edited.
    """
    package = _package()
    if isinstance(package, Path):
        checkout = package.parent.parent / "reference_ranges"
        if package.parent.name == "src" and checkout.is_dir():
            return checkout
    shipped = package / "_reference_ranges"
    if shipped.is_dir():
        return shipped
    raise KnowledgeError("reference_ranges", None, "root", "not found beside the package; reinstall cbc-screen")


def _package() -> Traversable:
    folder = Path(__file__).parent.parent
    if folder.is_dir():
        return folder
    from importlib.resources import files  # a zip on the path

    return files("cbc_screen")


def walk(root: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    """List every file under `root` as (relative path, file), sorted by path."""
    found: list[tuple[str, Traversable]] = []
    for entry in root.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += walk(entry, f"{name}/")
        elif not entry.name.startswith("."):
            found.append((name, entry))
    return sorted(found, key=lambda pair: pair[0])


def read_text(root: Traversable, name: str) -> str:
    """Read one data file as UTF-8 text."""
    entry = root
    for part in name.split("/"):
        entry = entry / part
    try:
        return entry.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise KnowledgeError(name, None, "file", "does not exist") from None
    except UnicodeDecodeError:
        raise KnowledgeError(name, None, "file", "is not UTF-8 text") from None


def sha256(content: bytes) -> str:
    """Hash a file's content for the manifest."""
    return hashlib.sha256(content).hexdigest()
