"""Reads from MongoDB whose bytes are bounded, however large the documents are."""

from collections.abc import Sequence
from typing import Any

from chatterroom.chat.documents_mongo import Document

__all__ = ["read_bounded"]

_LARGE = "large_document_bytes"


async def read_bounded(
    collection: Any,
    stages: Sequence[Document],
    limit: int,
    max_bytes: int,
    order: Sequence[str] = (),
) -> tuple[list[Document], bool]:
    """Return the first documents of a pipeline, and whether more follow.

    In the order of the pipeline, or of the ids in `order`, where given. At most `limit`, and not
    much more than twice `max_bytes`; but at least one, if there is one. `stages` must
    pass documents on as they are.
    """
    # Where all are small, as mostly, one read brings them; large ones only say how large they are.
    # Adding the sizes up inside MongoDB takes it ten times as long.
    size = {"$bsonSize": "$$ROOT"}
    is_small = {"$lte": [size, max_bytes // (limit + 1)]}
    stub = {"_id": "$_id", _LARGE: size}
    pipeline = [
        *stages,
        {"$limit": limit + 1},
        {"$replaceWith": {"$cond": [is_small, "$$ROOT", stub]}},
    ]
    read = await collection.aggregate(pipeline, batchSize=limit + 1)
    found = [document async for document in read]
    if order:
        places = {id_: place for place, id_ in enumerate(order)}
        found.sort(key=lambda document: places[document["_id"]])
    page = _fitting(found[:limit], max_bytes)
    large = [document["_id"] for document in page if _LARGE in document]
    if large:
        rest = collection.find({"_id": {"$in": large}}, batch_size=len(large) + 1)
        whole = {document["_id"]: document async for document in rest}
        page = [whole.get(document["_id"], document) for document in page]
    return page, len(page) < len(found)


def _fitting(documents: list[Document], max_bytes: int) -> list[Document]:
    """Return the first documents, as long as the large ones among them fit."""
    left = max_bytes
    for count, document in enumerate(documents):
        left -= document.get(_LARGE, 0)
        if left < 0 and count:
            return documents[:count]
    return documents
