"""lib/bus on a real broker, among others one that is killed in the middle.  The cases are in bus_broker.c."""
import os
import subprocess
import tempfile

from medicore import BUILD, TOP, free_base

KAFKA = TOP / "tests" / "lib" / "kafka"


def test_the_bus_keeps_its_promises_on_a_real_broker():
    with tempfile.TemporaryDirectory(prefix="medicore-bus-") as home:
        start = [str(KAFKA / "kafka-up"), home, str(free_base(2))]
        try:
            brokers = subprocess.run(start, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
            environ = dict(os.environ, BUS_BROKERS=brokers, BUS_START=" ".join(start) + " >/dev/null",
                           BUS_KILL=f"{KAFKA / 'kafka-down'} --kill {home}")
            done = subprocess.run([str(BUILD / "tests/system/bus_broker")], env=environ, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            print(done.stdout)
            assert done.returncode == 0, done.stdout
        finally:
            subprocess.run([str(KAFKA / "kafka-down"), "--wipe", home], check=True)
