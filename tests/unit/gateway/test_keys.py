"""The public keys that anybody may read, and verify tokens with."""

import jwt

from chatterroom.auth.token_keys import thumbprint


async def test_the_keys_verify_tokens_without_any_secret(world, key):
    answer = await world.client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    [found] = answer.json()["keys"]
    assert found["kid"] == thumbprint(key.public_key())
    assert set(found) == {"kty", "crv", "x", "kid", "alg", "use"}
    said = jwt.decode(
        world.ada.token,
        jwt.PyJWK(found),
        algorithms=["EdDSA"],
        audience="chatterroom",
        issuer="chatterroom",
    )
    assert said["sub"] == world.ada.id
