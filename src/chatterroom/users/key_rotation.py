"""Notices that the key which signs access tokens has been changed."""

import asyncio
from pathlib import Path

import structlog

from chatterroom.auth.secrets import SecretsError
from chatterroom.auth.token_keys import load_signing_key, thumbprint
from chatterroom.auth.tokens import TokenSigner
from chatterroom.background import keep_running

__all__ = ["follow_signing_key"]

log = structlog.get_logger()

_EVERY_S = 5.0
# Those who verify look for an unknown key at most once a second: by now they all find it.
_SETTLING_S = 2.0


async def follow_signing_key(directory: Path, signer: TokenSigner) -> None:
    """Sign with the key that is in the directory, some seconds late, until cancelled.

    Where the file cannot be read, the key that was there before goes on.
    """

    async def look() -> None:
        try:
            key = load_signing_key(directory)
        except SecretsError as error:
            log.warning("signing_key_unreadable", reason=str(error))
            return
        if thumbprint(key.public_key()) != signer.kid:
            await asyncio.sleep(_SETTLING_S)
            signer.use(key)
            log.info("signing_key_changed", kid=signer.kid)

    await keep_running("signing_key", look, _EVERY_S)
