"""A client that costs next to nothing, for streams of many small messages: Python takes longer for a message than a
server. What curl receives is kept in a file, and its messages are counted when the clock has stopped."""

import struct
import subprocess
from pathlib import Path

HEADER = struct.Struct(">BI")


class Stream:
    """One method that streams, with one request."""

    def __init__(self, address: str, method: str, request: bytes, folder: Path):
        self._answer, body = folder / "answer.bin", folder / "request.bin"
        body.write_bytes(HEADER.pack(0, len(request)) + request)
        self._command = ["curl", "--silent", "--show-error", "--fail", "--http2-prior-knowledge", "--output", self._answer]
        self._command += ["--header", "content-type: application/grpc", "--header", "te: trailers"]
        self._command += ["--data-binary", f"@{body}", f"http://{address}{method}"]

    def receive(self) -> None:
        """Calls the method and keeps all that it answers."""
        subprocess.run(self._command, check=True)

    def count(self) -> int:
        """The messages of the last answer."""
        answer, at, found = self._answer.read_bytes(), 0, 0
        while at < len(answer):
            _compressed, length = HEADER.unpack_from(answer, at)
            at += HEADER.size + length
            found += 1
        return found
