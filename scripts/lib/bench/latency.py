"""A far store: passes HTTP on to a near one, later, and counts. Run as a program, it prints its port."""

import argparse
import asyncio
import json
import re

COUNTS = "/latency-counts"


class Far:
    """Answers come after a while; requests and bytes of answers are counted."""

    def __init__(self, host: str, port: int, latency_s: float):
        self._upstream = (host, port)
        self._latency_s = latency_s
        self._counts = {"requests": 0, "bytes": 0}

    async def serve(self, reader, writer) -> None:
        """One connection of a client, which has one of its own to the store."""
        try:
            near_reader, near_writer = await asyncio.open_connection(*self._upstream)
            while await self._exchange(reader, writer, near_reader, near_writer):
                pass
            near_writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # one of them went away
        writer.close()

    def _named(self) -> tuple[bytes, int]:
        return self._upstream[0].encode(), self._upstream[1]

    async def _exchange(self, reader, writer, near_reader, near_writer) -> bool:
        """One request and its answer; whether there may be another one."""
        head = await reader.readuntil(b"\r\n\r\n")
        method, path = head.split(b" ", 2)[:2]
        if path.decode() == COUNTS:
            body = json.dumps(self._counts).encode()
            self._counts = {"requests": 0, "bytes": 0}
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            return True
        self._counts["requests"] += 1
        # the emulator of Google knows its objects under one host only
        near_writer.write(re.sub(rb"(?im)^host:[^\r]*", b"Host: %s:%d" % self._named(), head))
        headers = fields(head)
        await self._pass(reader, near_writer, headers, counted=False)
        answer = await near_reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(self._latency_s)
        writer.write(answer)
        status, headers = int(answer.split(b" ", 2)[1]), fields(answer)
        if method != b"HEAD" and status not in (204, 304):
            await self._pass(near_reader, writer, headers, counted=True)
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def _pass(self, reader, writer, headers, counted: bool) -> None:
        """The content of a message."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            size = -1
            while size != 0:
                line = await reader.readuntil(b"\r\n")
                size = int(line.split(b";")[0], 16)
                writer.write(line + await reader.readexactly(size + 2))
                self._counts["bytes"] += size if counted else 0
            return
        left = int(headers.get("content-length", "0"))
        while left > 0:
            piece = await reader.read(min(left, 1 << 16))
            if not piece:
                raise ConnectionResetError
            left -= len(piece)
            writer.write(piece)
            await writer.drain()
            self._counts["bytes"] += len(piece) if counted else 0


def fields(head: bytes) -> dict[str, str]:
    """The headers of a message, names in small letters."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


async def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True, help="host:port")
    parser.add_argument("--latency-ms", type=float, required=True)
    arguments = parser.parse_args()
    host, port = arguments.upstream.split(":")
    far = Far(host, int(port), arguments.latency_ms / 1000)
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
