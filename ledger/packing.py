"""Packing: a bundle's zip, member by member, so that what is written need not be held."""

import zipfile
from pathlib import Path
from types import TracebackType
from typing import Self

ZIP_LEVEL = 6
# The zip format's first moment: a bundle's bytes do not depend on when it was packed.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


class Pack:
    """A zip being written. The same members in the same sequence give the same bytes, with the same zlib."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path, "w")

    def add(self, name: str, content: bytes) -> None:
        """Write the next member."""
        info = zipfile.ZipInfo(name, _EPOCH)
        info.create_system, info.external_attr = 3, _MODE
        # Hashes do not compress.
        is_hashes = name.startswith("tile/") and not name.startswith("tile/entries/")
        info.compress_type = zipfile.ZIP_STORED if is_hashes else zipfile.ZIP_DEFLATED
        self._archive.writestr(info, content, compresslevel=ZIP_LEVEL)

    def __enter__(self) -> Self:
        """Use in a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the directory; what failed half-way is a file that nobody is given."""
        self._archive.close()
