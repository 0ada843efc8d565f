"""A service in a process of its own, which dies while it handles what says "killer".

It answers as the user service and as the chat service. Run with its port as the only argument;
it says `ready` when it listens.
"""

import asyncio
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from chatterroom.auth.secrets import KnownCredentials, ServiceSecret
from chatterroom.engines.ports import free_port
from chatterroom.pb import chat_pb2, chat_pb2_grpc, users_pb2, users_pb2_grpc
from chatterroom.rpc.balancer import Instance
from chatterroom.rpc.identity import Doorkeeper
from chatterroom.rpc.server import serve_rpc

SECRET = ServiceSecret("a-secret-that-only-tests-know-of")
EXIT_STATUS = 7


class Process:
    """A process of this module."""

    def __init__(self):
        self.port = free_port()
        self.deaths = 0

    @property
    def instance(self):
        return Instance(f"127.0.0.1:{self.port}")

    async def start(self):
        command = [sys.executable, "-m", "tests.unit.rpc.mortal", str(self.port)]
        root = Path(__file__).parents[3]
        self.running = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root)
        said = await asyncio.to_thread(self.running.stdout.readline)
        assert said == b"ready\n"

    @property
    def died(self):
        return self.running.poll() == EXIT_STATUS

    def stop(self):
        self.running.kill()
        self.running.wait()
        self.running.stdout.close()


@asynccontextmanager
async def running(count):
    """Run some, and stop them in the end."""
    processes = [Process() for _ in range(count)]
    try:
        await asyncio.gather(*(process.start() for process in processes))
        yield processes
    finally:
        for process in processes:
            process.stop()


class Users(users_pb2_grpc.UserServiceServicer):
    async def GetUserProfile(self, request, context):  # noqa: N802 -- named as in the proto file
        if request.user_id == "killer":
            os._exit(EXIT_STATUS)
        if request.user_id == "slow":
            await asyncio.sleep(30)
        return users_pb2.GetUserProfileResponse(user_id=request.user_id)


class Chat(chat_pb2_grpc.ChatServiceServicer):
    async def SendMessages(self, request, context):  # noqa: N802 -- named as in the proto file
        # Others may join the next batch meanwhile.
        await asyncio.sleep(0.2)
        if any(send.message == "killer" for send in request.sends):
            os._exit(EXIT_STATUS)
        stored = chat_pb2.SendResult(sent=chat_pb2.SendRoomMessageResponse(seq=1))
        return chat_pb2.SendMessagesResponse(results=[stored] * len(request.sends))


def add(server):
    users_pb2_grpc.add_UserServiceServicer_to_server(Users(), server)
    chat_pb2_grpc.add_ChatServiceServicer_to_server(Chat(), server)


async def main(port):
    known = {SECRET.towards(name).digest: "gateway" for name in ("users", "chat")}
    doorkeeper = Doorkeeper(KnownCredentials(known), None)
    name = users_pb2.DESCRIPTOR.services_by_name["UserService"].full_name
    async with serve_rpc("127.0.0.1", port, name, doorkeeper, add) as server:
        await server.say_serving(True)
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
