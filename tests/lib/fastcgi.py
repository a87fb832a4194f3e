"""A web server's side of FastCGI, as tests need it."""
import select
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6


class Connection:
    """To a program that listens at program.path; it asks with program.token."""

    def __init__(self, program, keep=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(program.path)
        self.keep = keep
        self.token = program.token

    def send(self, **request):
        self.socket.sendall(self.request(**request))

    def request(self, method="GET", path="/health/patient/live", body=b"", pieces=1, **more):
        variables = {"REQUEST_METHOD": method, "REQUEST_URI": path, "QUERY_STRING": "", "CONTENT_LENGTH": str(len(body)),
                     "CONTENT_TYPE": "application/json", "HTTP_AUTHORIZATION": "Bearer " + self.token, **more}
        params = b"".join(struct.pack(">II", len(k) | 1 << 31, len(v) | 1 << 31) + k.encode() + v.encode()
                          for k, v in variables.items())
        out = record(BEGIN, struct.pack(">HB5x", 1, self.keep)) + record(PARAMS, params) + record(PARAMS, b"")
        size = max(1, -(-len(body) // pieces))
        for at in range(0, len(body), size):
            out += record(STDIN, body[at:at + size])
        return out + record(STDIN, b"")

    def answer(self):
        """Status and content; None where the connection ended instead."""
        out = b""
        while True:
            head = self.read(8)
            if head is None:
                assert out == b"", "half an answer"
                return None
            _, kind, _, length, padding = struct.unpack(">BBHHBx", head)
            content = self.read(length + padding)[:length]
            if kind == STDOUT:
                out += content
            elif kind == END:
                head, _, body = out.partition(b"\r\n\r\n")
                return int(head.split()[1]), body

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                assert data == b"", "half a record"
                return None
            data += more
        return data

    def ask(self, **request):
        self.send(**request)
        return self.answer()

    def closed(self):
        """What web servers look at before they send on a kept connection."""
        return bool(select.select([self.socket], [], [], 0)[0])


def record(kind, content, id=1):
    return struct.pack(">BBHHBB", 1, kind, id, len(content), 0, 0) + content
