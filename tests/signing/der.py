"""Taking DER apart and putting it together, to make what no tool would write."""

Part = tuple[int, bytes]
"""A tag and what stands in it."""


def parts(raw: bytes) -> list[Part]:
    """The parts that follow each other in these bytes."""
    found = []
    while raw:
        header, length = 2, raw[1]
        if length & 0x80:
            header += length & 0x7F
            length = int.from_bytes(raw[2:header], "big")
        found.append((raw[0], raw[header : header + length]))
        raw = raw[header + length :]
    return found


def join(*some: Part) -> bytes:
    """These parts, one after the other."""
    return b"".join(bytes([tag]) + _length(len(inside)) + inside for tag, inside in some)


def with_odd_certificate(response: bytes) -> bytes:
    """A response to a request for a time-stamp, with a copy of its certificate in version 6."""
    ((tag, whole),) = parts(response)
    status, (_, token) = parts(whole)
    kind, (explicit, inside) = parts(token)
    ((_, signed),) = parts(inside)
    version, digests, content, (certificates, own), signers = parts(signed)
    ((_, certificate),) = parts(own)
    (_, body), *signature = parts(certificate)
    odd = join((0x30, join((0xA0, b"\x02\x01\x05"), *parts(body)[1:])), *signature)
    both = (certificates, own + join((0x30, odd)))
    signed = join(version, digests, content, both, signers)
    return join((tag, join(status, (0x30, join(kind, (explicit, join((0x30, signed))))))))


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes([count])
    raw = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(raw)]) + raw
