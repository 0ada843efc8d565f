"""The public keys of access tokens over HTTP, for others who want to verify them."""

from typing import Annotated

from msgspec import Struct

from chatterroom.auth.token_keys import public_numbers
from chatterroom.gateway.endpoints import Access, Call, Endpoint, Platform
from chatterroom.gateway.fields import Nothing, example

__all__ = ["KEY_ENDPOINTS"]


class Jwk(Struct):
    """A public key (RFC 7517, RFC 8037)."""

    kty: Annotated[str, example("OKP")]
    crv: Annotated[str, example("Ed25519")]
    x: Annotated[str, example("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    kid: Annotated[
        str, example("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "Its RFC 7638 thumbprint.")
    ]
    alg: Annotated[str, example("EdDSA")] = "EdDSA"
    use: Annotated[str, example("sig")] = "sig"


class Jwks(Struct):
    """All keys whose tokens are accepted; while keys change there are several."""

    keys: list[Jwk]


async def jwks(_: Call[None, Nothing], platform: Platform) -> Jwks:
    """Get the public keys that access tokens are verified with."""
    known = platform.verifier.keys.known()
    return Jwks([Jwk(kid=kid, **public_numbers(key)) for kid, key in known.items()])


KEY_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/.well-known/jwks.json",
        handler=jwks,
        access=Access.OPEN,
        answer=Jwks,
    ),
)
