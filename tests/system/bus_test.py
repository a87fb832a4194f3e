"""lib/bus on a real broker, among others one that is killed in the middle, and by mutual TLS.  The cases are in bus_broker.c."""
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from medicore import BUILD, TOP, certs, free_base

KAFKA = TOP / "tests" / "lib" / "kafka"

# As docker-compose.yml has it: whoever has no certificate of ours is refused.
BY_TLS = """
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},PROGRAMS://127.0.0.1:{tls}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROGRAMS://localhost:{tls}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROGRAMS:SSL
ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={home}/tls/both.pem
ssl.truststore.type=PEM
ssl.truststore.location={home}/tls/ca.crt
"""


class Broker:
    def __init__(self, home):
        base = free_base(3)
        self.home, self.tls = home, base + 2
        certs(home / "tls", "kafka", "relay")
        certs(home / "foreign", "relay")
        with open(home / "tls/both.pem", "w") as both:
            both.write((home / "tls/kafka.key").read_text() + (home / "tls/kafka.crt").read_text())
        (home / "extra").write_text(BY_TLS.format(port=base, controller=base + 1, tls=self.tls, home=home))
        self.environ = dict(os.environ, KAFKA_EXTRA=str(home / "extra"), MEDICORE_CONFIG="")
        self.start = [str(KAFKA / "kafka-up"), str(home), str(base)]
        self.brokers = subprocess.run(self.start, check=True, stdout=subprocess.PIPE, text=True, env=self.environ).stdout.strip()

    def run(self, **more):
        environ = dict(self.environ, BUS_BROKERS=self.brokers, BUS_START=" ".join(self.start) + " >/dev/null",
                       BUS_KILL=f"{KAFKA / 'kafka-down'} --kill {self.home}")
        done = subprocess.run([str(BUILD / "tests/system/bus_broker")], env={**environ, **more}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(done.stdout)
        return done

    def by_tls(self, case, **more):
        """One case, through the listener that asks for a certificate."""
        return self.run(**{"CK_RUN_CASE": case, "BUS_BROKERS": f"localhost:{self.tls}", "MEDICORE__EVENTS__TLS": "yes",
                           "MEDICORE__TLS__CERTIFICATE": f"{self.home}/tls/relay.crt", "MEDICORE__TLS__KEY": f"{self.home}/tls/relay.key",
                           "MEDICORE__TLS__CA": f"{self.home}/tls/ca.crt", **more})


@pytest.fixture(scope="module")
def broker():
    with tempfile.TemporaryDirectory(prefix="medicore-bus-") as home:
        try:
            yield Broker(Path(home))
        finally:
            subprocess.run([str(KAFKA / "kafka-down"), "--wipe", home], check=True)


def test_an_event_goes_by_mutual_tls(broker):
    done = broker.by_tls("one event")
    assert done.returncode == 0 and "100%: Checks: 1" in done.stdout, done.stdout


@pytest.mark.parametrize("wrong", [
    {"MEDICORE__TLS__CERTIFICATE": "{}/foreign/relay.crt", "MEDICORE__TLS__KEY": "{}/foreign/relay.key"},  # whom the broker doesn't know
    {"MEDICORE__TLS__CA": "{}/foreign/ca.crt"},  # who doesn't know the broker
    {"MEDICORE__EVENTS__TLS": "no"},
])
def test_without_a_certificate_of_ours_no_event_goes(broker, wrong):
    done = broker.by_tls("refused", BUS_REFUSED="yes", **{name: value.format(broker.home) for name, value in wrong.items()})
    assert done.returncode == 0 and "100%: Checks: 1" in done.stdout, done.stdout


def test_tls_without_its_files_is_no_client(broker):
    done = broker.by_tls("one event", MEDICORE__TLS__KEY="")
    assert done.returncode != 0 and "[events] tls needs all of [tls] certificate, key and ca" in done.stdout, done.stdout


def test_the_bus_keeps_its_promises_on_a_real_broker(broker):
    done = broker.run()
    assert done.returncode == 0, done.stdout
