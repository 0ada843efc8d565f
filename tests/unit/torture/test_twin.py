import socket

from torture.twin import reach_mongod_by_link


def test_connections_to_each_member_of_a_replica_set_go_by_the_link_of_that_member(monkeypatch):
    reached = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: reached.append(address[1]))
    url = "mongodb://me:27001@127.0.0.1:27001,127.0.0.1:27002/database?replicaSet=rs0"
    reach_mongod_by_link({"CHATTERROOM_CHAT_MONGO_URL": url, "TORTURE_MONGOD_PORT": "31001,31002"})
    with socket.socket() as plain:
        for port in (27001, 27002, 6379):
            plain.connect(("127.0.0.1", port))
    assert reached == [31001, 31002, 6379]


def test_connections_to_a_single_mongod_go_by_its_link(monkeypatch):
    reached = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: reached.append(address[1]))
    url = "mongodb://me:secret@127.0.0.1:27001/database?replicaSet=rs0"
    environ = {
        "CHATTERROOM_CHAT_MONGO_URL": url,
        "CHATTERROOM_USERS_MONGO_URL": url.replace("database", "other"),
        "TORTURE_MONGOD_PORT": "31001",
    }
    reach_mongod_by_link(environ)
    with socket.socket() as plain:
        plain.connect(("127.0.0.1", 27001))
    assert reached == [31001]
