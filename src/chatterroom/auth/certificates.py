"""The certificates with which processes know each other, where connections are encrypted.

A certificate names the services it is for as DNS names: `users`, `chat`, `discovery`, `gateway`.
Both ends check it: who calls demands the name of the service, wherever that runs; who is called
demands the name of whose credential is shown (`rpc/identity.py`).
"""

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

__all__ = ["Certificates"]

AUTHORITY = "ca.pem"
CERTIFICATE = "cert.pem"
KEY = "key.pem"


@dataclass(frozen=True)
class Certificates:
    """What one process shows, and the authority whose certificates it believes."""

    directory: Path
    authority: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def read(cls, directory: Path) -> "Certificates":
        """Read the three files. Raises OSError, and ValueError where they do not fit together."""
        found = cls(
            directory,
            (directory / AUTHORITY).read_bytes(),
            (directory / CERTIFICATE).read_bytes(),
            (directory / KEY).read_bytes(),
        )
        try:
            found.client_context()
        except ssl.SSLError as error:
            raise ValueError(
                f"{directory} holds no certificate with its key: {error.reason}"
            ) from None
        if not found.names:
            raise ValueError(f"{directory / CERTIFICATE} names no service")
        return found

    @cached_property
    def names(self) -> list[str]:
        """The services that the certificate is for."""
        certificate = x509.load_pem_x509_certificates(self.certificate)[0]
        try:
            extension = certificate.extensions.get_extension_for_oid(
                ExtensionOID.SUBJECT_ALTERNATIVE_NAME
            )
        except x509.ExtensionNotFound:
            return []
        names = extension.value
        assert isinstance(names, x509.SubjectAlternativeName)  # noqa: S101 -- what was asked for
        return names.get_values_for_type(x509.DNSName)

    def server_context(self) -> ssl.SSLContext:
        """Return a context that lets in holders of certificates only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        return self._filled(context)

    def client_context(self) -> ssl.SSLContext:
        """Return a context that shows the certificate and checks the server's and its name."""
        return self._filled(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def _filled(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.directory / AUTHORITY)
        context.load_cert_chain(self.directory / CERTIFICATE, self.directory / KEY)
        return context
