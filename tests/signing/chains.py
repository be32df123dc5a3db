"""Time-stamp authorities whose certificates hang on a chain, as good or as bad as a test wants it."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extension = tuple[x509.ExtensionType, bool]
TIME_INFO = "1.2.840.113549.1.9.16.1.4"
YEAR = timedelta(days=365)
SETTINGS = """\
[tsa]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = {digest}
ess_cert_id_alg = {named}
{more}
"""


def p256() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def p384() -> Key:
    return ec.generate_private_key(ec.SECP384R1())


def p521() -> Key:
    return ec.generate_private_key(ec.SECP521R1())


def brainpool() -> Key:
    return ec.generate_private_key(ec.BrainpoolP256R1())


def rsa_2048() -> Key:
    return rsa.generate_private_key(65_537, 2_048)


def usage(**bits: bool) -> x509.KeyUsage:
    """A key's usages: those named, and no others."""
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})


AUTHORITY: tuple[Extension, ...] = ((x509.BasicConstraints(ca=True, path_length=None), True),)
SIGNER: tuple[Extension, ...] = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
)


@dataclass
class Link:
    """A certificate of a chain: everything that may be odd about it."""

    extensions: tuple[Extension, ...] = AUTHORITY
    key: Callable[[], Key] = p256
    hash: SHA256 | SHA384 | SHA512 = field(default_factory=SHA256)
    valid: tuple[timedelta, timedelta] = (-YEAR, YEAR)
    name: str = ""
    issuer: str = ""
    ids: bool = True


@dataclass
class Chain:
    """An authority in a folder: its root, whatever stands between, and its signer."""

    folder: Path
    links: tuple[Link, ...] = (Link(), Link(SIGNER))
    digest: str = "sha256"
    named: str = "sha256"
    more: str = "accuracy = secs:1"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "serial").write_text("01\n")
        settings = SETTINGS.format(digest=self.digest, named=self.named, more=self.more)
        (self.folder / "settings").write_text(settings)
        self.made: list[tuple[x509.Certificate, Key]] = []
        for place, link in enumerate(self.links):
            self.made.append(self._certify(place, link))
        signer, key = self.made[-1]
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "key.pem").write_bytes(private)
        (self.folder / "signer.pem").write_bytes(signer.public_bytes(Encoding.PEM))
        between = [made.public_bytes(Encoding.PEM) for made, _ in self.made[1:-1]]
        (self.folder / "chain.pem").write_bytes(b"".join(between))

    @property
    def root_der(self) -> bytes:
        """What an order names."""
        return self.made[0][0].public_bytes(Encoding.DER)

    def stamp(self, text: bytes, *asking: str) -> bytes:
        """The answer about a text. Its certificates are sorted, as DER wants them: nobody signs that."""
        answer = self.unsorted(text, *asking)
        carried = [made.public_bytes(Encoding.DER) for made, _ in (self.made[-1], *self.made[1:-1])]
        return answer.replace(b"".join(carried), b"".join(sorted(carried)))

    def unsorted(self, text: bytes, *asking: str) -> bytes:
        """The answer as openssl writes it: the signer's certificate first."""
        (self.folder / "text").write_bytes(text)
        asked = asking or ("-cert", "-no_nonce")
        self.openssl("ts", "-query", "-data", "text", "-sha256", *asked, "-out", "query.tsq")
        chain = ("-chain", "chain.pem") if len(self.links) > 2 else ()
        self.openssl(
            *("ts", "-reply", "-queryfile", "query.tsq", "-out", "response.tsr", "-config", "settings"),
            *("-section", "tsa", "-signer", "signer.pem", "-inkey", "key.pem", *chain),
        )
        return (self.folder / "response.tsr").read_bytes()

    @property
    def signing(self) -> tuple[str, ...]:
        """By what openssl signs."""
        return "-signer", str(self.folder / "signer.pem"), "-inkey", str(self.folder / "key.pem")

    def sign(self, said: bytes, *beside: "Chain", carrying: "Chain | None" = None) -> bytes:
        """A response that says this, well-formed or not, signed by the authority, and by others beside it.
        It may carry another's certificate too."""
        more = () if carrying is None else ("-certfile", str(carrying.folder / "signer.pem"))
        (self.folder / "said").write_bytes(said)
        self.openssl(
            *("cms", "-sign", "-cades", "-nodetach", "-binary", "-econtent_type", TIME_INFO, "-in", "said"),
            *(word for one in (self, *beside) for word in one.signing),
            *more,
            *("-md", self.digest, "-outform", "DER", "-out", "token.der"),
        )
        inside = b"\x30\x03\x02\x01\x00" + (self.folder / "token.der").read_bytes()
        return b"\x30\x82" + len(inside).to_bytes(2, "big") + inside

    def _certify(self, place: int, link: Link) -> tuple[x509.Certificate, Key]:
        key = link.key()
        above, signing = self.made[place - 1] if place else (None, key)
        subject = _name(link.name or f"tsa.example {place}")
        issuer = _name(link.issuer) if link.issuer else above.subject if above else subject
        begin, end = (datetime.now(UTC) + one for one in link.valid)
        public, serial = key.public_key(), x509.random_serial_number()
        made = x509.CertificateBuilder(issuer, subject, public, serial, begin, end)
        for extension, critical in link.extensions:
            made = made.add_extension(extension, critical)
        if link.ids:
            above_key = signing.public_key()
            made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            known = x509.AuthorityKeyIdentifier.from_issuer_public_key(above_key)
            made = made.add_extension(known, critical=False)
        return made.sign(signing, link.hash), key

    def openssl(self, *words: str) -> None:
        """Run one command of OpenSSL's in the folder."""
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
