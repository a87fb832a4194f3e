"""PostgreSQL on two hosts: when the one that takes writes falls mute, the stand-by is promoted, and all goes on there, with nothing lost."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

from medicore import System, wait_until

BIN = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))


def as_owner(*command):
    """The command's arguments, by the user that PostgreSQL insists on."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *map(str, command)] if os.geteuid() == 0 else \
        [*map(str, command)]


@contextlib.contextmanager
def standby(system, sockets):
    """A stand-by of the system's server, without which that one acknowledges no commit; the directory of its data."""
    host, data = system.env["MEDICORE_PGHOST"], sockets / "data"
    sockets.mkdir()
    if os.geteuid() == 0:
        shutil.chown(sockets, "postgres")
    subprocess.run(as_owner(BIN / "pg_basebackup", "-h", host, "-U", "postgres", "-D", data, "-R", "-c", "fast"), check=True, cwd="/")
    process = subprocess.Popen(as_owner(BIN / "postgres", "-D", data, "-k", sockets, "-p", "5432", "-c", "listen_addresses=",
                                        "-c", "max_connections=200"),
                               cwd="/", stdin=subprocess.DEVNULL, stderr=open(system.run / "log/standby.log", "w"))
    try:
        for statement in ("alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"):
            subprocess.run([BIN / "psql", "-qAt", "-h", host, "-U", "postgres", "-c", statement], check=True, stdout=subprocess.DEVNULL)
        wait_until(lambda: system.sql("auth", "select 1 from pg_stat_replication where sync_state = 'sync'"), 20, "the stand-by")
        yield data
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would wait for the clients
        process.wait(20)


def family(pid):
    return [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


class Bookings(threading.Thread):
    """Books one visit after the other, and keeps the ids of those that were acknowledged."""

    def __init__(self, system, patient):
        super().__init__()
        self.system, self.patient = system, patient
        self.acknowledged, self.times, self.statuses, self.enough = [], [], set(), threading.Event()

    def run(self):
        while not self.enough.is_set():
            status, _, body = self.system.http("POST", "/appointments", {
                "patientId": self.patient, "serviceCode": "GP-1", "startsAt": "2027-03-01T10:00:00Z", "durationMinutes": 20})
            self.statuses.add(status)
            if status == 201:
                self.acknowledged.append(body["id"])
                self.times.append(time.monotonic())


def test_programs_go_on_with_the_standby_once_it_is_promoted_and_lose_no_booking():
    with System() as system:
        sockets = system.run / "standby"
        both = f"{system.run / 'sock'},{sockets}"
        system.environ["MEDICORE__DATABASE__HOST"] = both
        system.up("--no-demo")
        assert both.startswith(system.env["MEDICORE_PGHOST"] + ",")
        with standby(system, sockets) as data:
            system.price()
            bookings = Bookings(system, system.register()["id"])
            bookings.start()
            wait_until(lambda: len(bookings.acknowledged) > 20, 20, "bookings")
            primary = family(system.pid("postgres"))
            try:
                # Frozen, the first host takes connections and says nothing: worse than a dead one.
                for pid in primary:
                    os.kill(pid, signal.SIGSTOP)
                subprocess.run(as_owner(BIN / "pg_ctl", "promote", "-D", data, "-s"), check=True, cwd="/")
                promoted, before = time.monotonic(), len(bookings.acknowledged)
                wait_until(lambda: len(bookings.acknowledged) > before + 20, 30, "bookings by the stand-by")
            finally:
                bookings.enough.set()
                bookings.join()
                for pid in primary:
                    os.kill(pid, signal.SIGKILL)
            print(f"first booking {bookings.times[before] - promoted:.1f} s after the promotion, statuses {sorted(bookings.statuses)}")
            assert bookings.statuses <= {201, 503, 504}
            system.env["MEDICORE_PGHOST"] = str(sockets)
            for appointment in bookings.acknowledged:
                system.wait_invoice(appointment, 30)
            assert system.sql("billing", "select appointment_id from invoice group by appointment_id having count(*) > 1") == []
