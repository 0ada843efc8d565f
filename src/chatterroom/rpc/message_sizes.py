"""How large a gRPC message may be: one limit for requests and responses, at both ends.

Who would send a larger one sends nothing. The call fails with RESOURCE_EXHAUSTED, and no other
call notices: the caller gets `body_too_large` or `response_too_large` (`rpc/backend.py`).
"""

__all__ = ["MAX_MESSAGE_BYTES", "MESSAGE_SIZES"]

# Pages, batches of sends and lists end at 1 MiB or well below.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

MESSAGE_SIZES = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)
