"""Folders that must stay as they were recorded: `SHA256SUMS` in a folder names each of its files and their digests."""

from hashlib import sha256
from pathlib import Path

SUMS = "SHA256SUMS"


class EditedError(ValueError):
    """A sealed folder is not as it was recorded.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path, problem: str) -> None:
        self.folder = folder
        super().__init__(f"{folder} {problem}")


def seal(folder: Path) -> None:
    """Write the digests of a folder's files, in the format of `sha256sum`."""
    (folder / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(_digests(folder).items())))


def require_sealed(folder: Path) -> None:
    """Compare a folder with its digests.

    Raises:
        EditedError: A file was changed, added or removed, or there are no digests.
    """
    if not (folder / SUMS).is_file():
        raise EditedError(folder, f"has no {SUMS}")
    lines = (folder / SUMS).read_text("utf-8").splitlines()
    recorded = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = _digests(folder)
    names = sorted(name for name in recorded.keys() | found.keys() if recorded.get(name) != found.get(name))
    if names:
        changes = (f"{name} ({_change(name in recorded, name in found)})" for name in names)
        raise EditedError(folder, f"is not as it was recorded: {', '.join(changes)}")


def _change(was: bool, is_there: bool) -> str:  # noqa: FBT001  two facts
    return "changed" if was and is_there else "removed" if was else "added"


def _digests(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != SUMS)
    return {file.relative_to(folder).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}
