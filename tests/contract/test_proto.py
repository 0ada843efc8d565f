"""What the services were first specified with is still there, with the same names and numbers."""

import pytest
from google.protobuf.descriptor import FieldDescriptor, ServiceDescriptor
from google.protobuf.empty_pb2 import DESCRIPTOR as EMPTY

from chatterroom.pb import chat_pb2, discovery_pb2, users_pb2

# service -> RPC -> (request, response)
RPCS = {
    "UserService": {
        "RegisterUser": ("RegisterUserRequest", "RegisterUserResponse"),
        "LoginUser": ("LoginUserRequest", "LoginUserResponse"),
        "GetUserProfile": ("GetUserProfileRequest", "GetUserProfileResponse"),
        "Timeout": ("Empty", "Empty"),
    },
    "ChatService": {
        "SendPrivateMessage": ("SendPrivateMessageRequest", "SendPrivateMessageResponse"),
        "GetPrivateChatHistory": ("GetPrivateChatHistoryRequest", "GetPrivateChatHistoryResponse"),
        "CreateRoom": ("CreateRoomRequest", "CreateRoomResponse"),
        "AddUserToRoom": ("AddUserToRoomRequest", "AddUserToRoomResponse"),
        "GetRoomHistory": ("GetRoomHistoryRequest", "GetRoomHistoryResponse"),
        "LeaveRoom": ("LeaveRoomRequest", "LeaveRoomResponse"),
    },
    "DiscoveryService": {
        "RegisterService": ("RegisterServiceRequest", "RegisterServiceResponse"),
        "DiscoverService": ("DiscoverServiceRequest", "DiscoverServiceResponse"),
        "Heartbeat": ("HeartbeatRequest", "HeartbeatResponse"),
        "StatusCheck": ("Empty", "StatusCheckResponse"),
    },
}

# message -> its fields in the order of their numbers, 1, 2, 3
FIELDS = {
    users_pb2: {
        "RegisterUserRequest": ["string username", "string password", "string email"],
        "RegisterUserResponse": ["string message"],
        "LoginUserRequest": ["string email", "string password"],
        "LoginUserResponse": ["string token"],
        "GetUserProfileRequest": ["string user_id"],
        "GetUserProfileResponse": ["string username", "string email"],
    },
    chat_pb2: {
        "SendPrivateMessageRequest": ["string sender_id", "string receiver_id", "string message"],
        "SendPrivateMessageResponse": ["string message"],
        "GetPrivateChatHistoryRequest": ["string sender_id", "string receiver_id"],
        "GetPrivateChatHistoryResponse": ["repeated ChatMessageProto messages"],
        "CreateRoomRequest": [
            "string room_name",
            "string creator_id",
            "repeated string members_ids",
        ],
        "CreateRoomResponse": ["string message"],
        "AddUserToRoomRequest": ["string room_id", "string user_id"],
        "AddUserToRoomResponse": ["string message"],
        "GetRoomHistoryRequest": ["string room_id"],
        "GetRoomHistoryResponse": ["repeated RoomMessageProto messages"],
        "LeaveRoomRequest": ["string room_id", "string user_id"],
        "LeaveRoomResponse": ["string message"],
    },
    discovery_pb2: {
        "RegisterServiceRequest": ["string service_name", "string service_url"],
        "RegisterServiceResponse": ["bool success", "string message"],
        "DiscoverServiceRequest": ["string service_name"],
        "DiscoverServiceResponse": ["string service_url"],
        "HeartbeatRequest": ["string service_url"],
        "HeartbeatResponse": ["bool success", "string message"],
        "StatusCheckResponse": [
            "string status",
            "string db_status",
            "string uptime",
            "string registered_services",
        ],
    },
}

# What histories hold was specified by name only.
HELD = {
    "ChatMessageProto": {"sender_id", "receiver_id", "message", "created_at", "updated_at"},
    "RoomMessageProto": {"id", "room_id", "sender_id", "message", "created_at", "updated_at"},
}

TYPES = {FieldDescriptor.TYPE_STRING: "string", FieldDescriptor.TYPE_BOOL: "bool"}


def service(name: str) -> ServiceDescriptor:
    (found,) = [
        module.DESCRIPTOR.services_by_name[name]
        for module in FIELDS
        if name in module.DESCRIPTOR.services_by_name
    ]
    return found


def declared(field: FieldDescriptor) -> str:
    type_ = field.message_type.name if field.message_type else TYPES[field.type]
    return f"{'repeated ' if field.is_repeated else ''}{type_} {field.name}"


@pytest.mark.parametrize(
    ("name", "rpc"), [(name, rpc) for name, rpcs in RPCS.items() for rpc in rpcs]
)
def test_an_rpc_is_there(name: str, rpc: str):
    method = service(name).methods_by_name[rpc]
    assert (method.input_type.name, method.output_type.name) == RPCS[name][rpc]
    assert not method.client_streaming
    assert not method.server_streaming
    for type_ in (method.input_type, method.output_type):
        if type_.name == "Empty":
            assert type_.file == EMPTY


@pytest.mark.parametrize(
    ("module", "message"),
    [(module, message) for module, all_ in FIELDS.items() for message in all_],
)
def test_a_message_has_its_fields_with_their_numbers(module, message: str):
    fields = module.DESCRIPTOR.message_types_by_name[message].fields_by_number
    expected = dict(enumerate(FIELDS[module][message], start=1))
    assert {number: declared(fields[number]) for number in expected} == expected


@pytest.mark.parametrize("message", HELD)
def test_a_history_holds_what_was_promised(message: str):
    fields = chat_pb2.DESCRIPTOR.message_types_by_name[message].fields_by_name
    assert set(fields) >= HELD[message]
    assert {declared(fields[name]) for name in HELD[message]} == {
        f"string {name}" for name in HELD[message]
    }
