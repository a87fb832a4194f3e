"""Who tests are: logins at a running system, and, where a program is tried alone, a stand-in that publishes keys of its own."""
import base64
import http.server
import json
import ssl
import threading
import time
import urllib.error
import urllib.request
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

ROLES = ["ADMIN", "STAFF", "DOCTOR", "BILLING", "AUDITOR"]
RENEW_S = 600  # an access token lives fifteen minutes


def ask(url, method, path, body=None, headers=None):
    """Status and decoded body of one request; any status is an answer."""
    rq = urllib.request.Request(url + path, None if body is None else json.dumps(body).encode(),
                                {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(rq, timeout=20) as rp:
            raw = rp.read()
            return rp.status, json.loads(raw) if raw else None
    except urllib.error.HTTPError as e:
        raw = e.read()
        return e.code, json.loads(raw) if raw else None


class Logins:
    """Access tokens of one account for each role, made when first asked for and renewed before they end."""

    def __init__(self, url, email, password):
        self.url = url
        self.accounts = {"ADMIN": (email, password)}
        self.tokens = {}  # role: (token, when)
        self.lock = threading.Lock()

    def token(self, role="ADMIN"):
        with self.lock:
            return self.token_locked(role)

    def token_locked(self, role):
        token, since = self.tokens.get(role, (None, 0))
        if token is None or time.monotonic() - since > RENEW_S:
            if role not in self.accounts:
                self.accounts[role] = self.register(role)
            token = self.login(*self.accounts[role])["accessToken"]
            self.tokens[role] = (token, time.monotonic())
        return token

    def bearer(self, role="ADMIN"):
        return f"Bearer {self.token(role)}"

    def register(self, role):
        email, password = f"{role.lower()}-{uuid.uuid4()}@example.org", f"secret {uuid.uuid4()}"
        status, body = ask(self.url, "POST", "/auth", {"name": f"A {role.lower()}", "email": email, "password": password, "role": role},
                           {"Authorization": f"Bearer {self.token_locked('ADMIN')}"})
        assert status == 201, body
        return email, password

    def login(self, email, password):
        status, body = ask(self.url, "POST", "/auth/login", {"email": email, "password": password})
        assert status == 200, body
        return body


class KeyServer:
    """Publishes a key, signs whatever claims a test wants with it, and tells programs which logins have ended; by mutual TLS where tls is a
    directory that medicore certs has made, with a certificate of its own there ("auth")."""

    def __init__(self, tls=None):
        self.key, self.kid = ec.generate_private_key(ec.SECP256R1()), "test-key"
        self.ended = []  # sessions
        self.secret = "a secret of these tests alone"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls / "ca.crt")
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(tls / "auth.crt", tls / "auth.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def environ(self):
        """With which our programs ask it."""
        return {"MEDICORE__AUTH__URL": self.url, "MEDICORE__AUTH__PROGRAMS_SECRET": self.secret}

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": x, "y": y}

    def answer(self, handler):
        path, _, query = handler.path.partition("?")
        status, body = 404, {}
        if path == "/.well-known/jwks.json":
            status, body = 200, {"keys": [self.jwk()]}
        elif path == "/auth/revocations" and handler.headers["Authorization"] != f"Bearer {self.secret}":
            status = 401
        elif path == "/auth/revocations":
            after = int(dict(pair.split("=") for pair in query.split("&"))["after"])
            until = int(time.time()) + 1000
            status, body = 200, {"next": len(self.ended), "sessions": [{"session": s, "until": until} for s in self.ended[after:]]}
        raw = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def sign(self, header=None, key=None, algorithm="ES256", **claims):
        """An access token of an ADMIN, but for what is given; a claim that is None is left out."""
        now = int(time.time())
        payload = {"iss": "medicore", "aud": "medicore", "sub": str(uuid.uuid4()), "sid": str(uuid.uuid4()), "jti": str(uuid.uuid4()),
                   "use": "access", "role": "ADMIN", "iat": now, "exp": now + 900, **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, key or self.key, algorithm=algorithm, headers={"kid": self.kid, **(header or {})})
