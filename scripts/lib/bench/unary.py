"""A client of unary calls that costs next to nothing, one call after the other on one connection: gRPC's own client for
Python takes longer for a small call than the server. The frames of HTTP/2 that are needed are written here by hand."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK, END_STREAM, END_HEADERS = 1, 1, 4
# what a peer may send: announced once, so large that small answers never come near it
WINDOW = 2**31 - 1
FIRST_WINDOW = 2**16 - 1
FRAME_HEAD = 9
MESSAGE_HEAD = struct.Struct(">BI")


class Connection:
    """One method of a server."""

    def __init__(self, address: str, method: str):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received, self._stream = b"", -1
        self._head = b"".join(
            _literal(name, value)
            for name, value in [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", method),
                (":authority", address),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
            ]
        )
        grown = struct.pack(">I", WINDOW - FIRST_WINDOW)
        self._socket.sendall(PREFACE + _frame(SETTINGS, 0, 0, b"") + _frame(WINDOW_UPDATE, 0, 0, grown))

    def call(self, request: bytes) -> bytes:
        """The answer of one call, which has to be one message."""
        self._stream += 2
        message = MESSAGE_HEAD.pack(0, len(request)) + request
        self._socket.sendall(
            _frame(HEADERS, END_HEADERS, self._stream, self._head) + _frame(DATA, END_STREAM, self._stream, message)
        )
        body = b""
        while True:
            kind, flags, stream, payload = self._next_frame()
            if kind == SETTINGS and not flags & ACK:
                self._socket.sendall(_frame(SETTINGS, ACK, 0, b""))
            elif kind == PING and not flags & ACK:
                self._socket.sendall(_frame(PING, ACK, 0, payload))
            elif kind == GOAWAY or (kind == RST_STREAM and stream == self._stream):
                raise RuntimeError(f"the server ended the call: {payload!r}")
            elif stream == self._stream:
                body += payload if kind == DATA else b""
                if kind in (DATA, HEADERS) and flags & END_STREAM:
                    break
        # a call that fails has an end and no message
        if not body:
            raise RuntimeError(f"the call failed: {payload!r}")
        return body[MESSAGE_HEAD.size :]

    def _next_frame(self) -> tuple[int, int, int, bytes]:
        while len(self._received) < FRAME_HEAD:
            self._receive()
        length, kind, flags = int.from_bytes(self._received[:3]), self._received[3], self._received[4]
        stream = int.from_bytes(self._received[5:FRAME_HEAD])
        end = FRAME_HEAD + length
        while len(self._received) < end:
            self._receive()
        payload, self._received = self._received[FRAME_HEAD:end], self._received[end:]
        return kind, flags, stream, payload

    def _receive(self) -> None:
        received = self._socket.recv(2**16)
        if not received:
            raise RuntimeError("the server closed the connection")
        self._received += received


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name: str, value: str) -> bytes:
    """A field of HPACK without compression, which neither table has to know."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
