"""A time-stamp authority of our own: certificates from `cryptography`, answers from the openssl command."""

import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SETTINGS = """\
[tsa]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256, sha512
signer_digest = sha256
ess_cert_id_alg = sha256
{accuracy}
"""
DAY = timedelta(days=1)


@dataclass
class Authority:
    """An authority in a folder of its own. `usage`, `valid`: what its certificate is for, and when."""

    folder: Path
    name: str = "tsa.example"
    accuracy: str = "accuracy = secs:1"
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING
    valid: tuple[datetime, datetime] = field(
        default_factory=lambda: (datetime.now(UTC) - DAY, datetime.now(UTC) + 365 * DAY)
    )

    above: "Authority | None" = None
    """The authority whose root this one's certificate is under."""
    alone: bool = False
    """Whether its certificate signs itself, and so is the root."""
    root_key: ec.EllipticCurvePrivateKey = field(init=False)
    root: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("the openssl command, which plays the authority, is not installed")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "serial").write_text("01\n")
        (self.folder / "settings").write_text(SETTINGS.format(accuracy=self.accuracy))
        key = ec.generate_private_key(ec.SECP256R1())
        self.root_key = self.above.root_key if self.above else ec.generate_private_key(ec.SECP256R1())
        self.root = self.above.root if self.above else self.certify(self._issuer, self.root_key, None)
        if self.alone:
            self.root_key = key
        self.signer = self.certify(self.name, key, self.usage)
        if self.alone:
            self.root = self.signer
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "key.pem").write_bytes(private)
        (self.folder / "signer.pem").write_bytes(self.signer.public_bytes(Encoding.PEM))

    @property
    def _issuer(self) -> str:
        return self.name if self.alone else f"{self.name} root"

    def beside(self, folder: Path, **how: Any) -> "Authority":
        """Another one under the same root."""
        return Authority(folder, name=self.name, above=self, **({"valid": self.valid} | how))

    @property
    def root_der(self) -> bytes:
        """What an order names."""
        return self.root.public_bytes(Encoding.DER)

    def certify(
        self, name: str, key: ec.EllipticCurvePrivateKey, usage: x509.ObjectIdentifier | None
    ) -> x509.Certificate:
        """A certificate under the root; the root's own without a usage."""
        subject, issuer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, self._issuer)
        )
        # The root outlives every signer, so that nothing but the signer's own dates can be wrong.
        begin, end = self.valid if usage else (self.valid[0] - 3650 * DAY, self.valid[1] + 3650 * DAY)
        public, serial = key.public_key(), x509.random_serial_number()
        made = (
            x509.CertificateBuilder(issuer, subject, public, serial, begin, end)
            .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        if usage is not None:
            made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        return made.sign(self.root_key, SHA256())

    def answer(self, request: bytes) -> bytes:
        """The TimeStampResp to a TimeStampReq."""
        (self.folder / "request.tsq").write_bytes(request)
        self.openssl(
            *("ts", "-reply", "-queryfile", "request.tsq", "-out", "response.tsr", "-config", "settings"),
            *("-section", "tsa", "-signer", "signer.pem", "-inkey", "key.pem"),
        )
        return (self.folder / "response.tsr").read_bytes()

    def stamp(self, text: bytes, *asking: str, hash: str = "sha256") -> bytes:
        """The answer about a text. `asking`: what is asked for; unless told, the signer's certificate."""
        (self.folder / "text").write_bytes(text)
        asked = asking or ("-cert", "-no_nonce")
        self.openssl("ts", "-query", "-data", "text", f"-{hash}", *asked, "-out", "query.tsq")
        return self.answer((self.folder / "query.tsq").read_bytes())

    def resign(self, response: bytes) -> bytes:
        """What that response says, signed by this authority, whatever its certificate is for."""
        (self.folder / "other.tsr").write_bytes(response)
        settings = ("-config", "settings")
        self.openssl("ts", "-reply", "-in", "other.tsr", "-token_out", "-out", "other.der", *settings)
        inner = ("-inform", "DER", "-in", "other.der", "-noverify", "-out", "info.der")
        self.openssl("cms", "-verify", *inner)
        self.openssl(
            *("cms", "-sign", "-nodetach", "-binary", "-econtent_type", "1.2.840.113549.1.9.16.1.4"),
            *("-in", "info.der", "-signer", "signer.pem", "-inkey", "key.pem", "-md", "sha256"),
            *("-outform", "DER", "-out", "token.der"),
        )
        granted = b"\x30\x03\x02\x01\x00"
        inside = granted + (self.folder / "token.der").read_bytes()
        return b"\x30\x82" + len(inside).to_bytes(2, "big") + inside

    def openssl(self, *words: str) -> None:
        """Run one command of OpenSSL's in the authority's folder."""
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
