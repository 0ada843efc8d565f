"""Stands in for a service under `up`: `fake_service.py KIND` listens and answers health checks."""

import asyncio
import os
import sys

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


async def serve_grpc(port: str) -> None:
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    await server.start()
    await server.wait_for_termination()


async def serve_http(port: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", int(port))
    async with server:
        await server.serve_forever()


def main(kind: str) -> None:
    for name in sorted(os.environ):
        if name.startswith("CHATTERROOM_"):
            print(f"{name}={os.environ[name]}", flush=True)
    if kind == "gateway":
        asyncio.run(serve_http(os.environ["CHATTERROOM_GATEWAY_PORT"]))
    else:
        asyncio.run(serve_grpc(os.environ[f"CHATTERROOM_{kind.upper()}_GRPC_PORT"]))


if __name__ == "__main__":
    main(sys.argv[1])
