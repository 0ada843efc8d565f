"""How large a gRPC message may be: one limit for requests and one for responses, at both ends.

Who would send a larger one sends nothing. The call fails with RESOURCE_EXHAUSTED, and no other
call notices: the caller gets `body_too_large` or `response_too_large` (`rpc/backend.py`).
"""

__all__ = [
    "CLIENT_SIZES",
    "MAX_REQUEST_BYTES",
    "MAX_REQUEST_BYTES_OF_PEOPLE",
    "MAX_RESPONSE_BYTES",
    "SERVER_SIZES",
]

# Batches of sends end at 1 MiB (`gateway/sends.py`).
MAX_REQUEST_BYTES = 2 * 1024 * 1024
# What people send without the gateway is no batch: as much as on a socket is enough.
MAX_REQUEST_BYTES_OF_PEOPLE = 256 * 1024
# Pages end at 1 MiB or well below.
MAX_RESPONSE_BYTES = 4 * 1024 * 1024

CLIENT_SIZES = (
    ("grpc.max_send_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
)
SERVER_SIZES = (
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", MAX_RESPONSE_BYTES),
)
