"""Blinding in bulk: the handles of many native ids, at about one microsecond each.

The same as `signing.handle.handle`, which makes HMAC anew for each id. Key and namespace are the same for all
ids of a store, so the inner hash is begun with both once, and copied (RFC 2104, section 4).
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from signing.errors import FormatError
from signing.handle import handle

HANDLE_BYTES: Final = 16
_BLOCK_BYTES: Final = 64


class Blinder:
    """Blinds the native ids of one store."""

    def __init__(self, key: bytes, namespace: str) -> None:
        """`FormatError` where the key or the namespace can't be one."""
        handle(key, namespace, "")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(_xored(padded, 0x36) + f"writ/handle/v1\n{namespace}\n".encode())
        self._outer = sha256(_xored(padded, 0x5C))

    def blind(self, ids: Sequence[str]) -> bytes:
        """The handles of these ids, 16 bytes each, one behind another.

        An id that is no Unicode text is a `FormatError`: a lone surrogate, as of a file's name that is no
        UTF-8.
        """
        begin, finish = self._inner.copy, self._outer.copy
        made = []
        try:
            for native in ids:
                inner, outer = begin(), finish()
                inner.update(native.encode())
                outer.update(inner.digest())
                made.append(outer.digest()[:HANDLE_BYTES])
        except UnicodeEncodeError as error:
            raise FormatError(f"a native id is not Unicode text: {error.reason}") from error
        return b"".join(made)


def _xored(block: bytes, value: int) -> bytes:
    return bytes(byte ^ value for byte in block)
