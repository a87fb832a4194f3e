"""What measurements share: the system that is measured, its stands, where figures go, and how long each takes."""
import collections
import contextlib
import shutil

import psycopg2

import load
import processor
from medicore import wait_until
from stand import SERVERS, Stand, engines

PATIENTS = 10_000
PATIENT = "00000000-0000-7000-8000-000000000001"


class Context:
    def __init__(self, options, system, directory, figures):
        self.options, self.system, self.directory, self.figures = options, system, directory, figures
        self.kept_stands, self.once, self.numbers = {}, set(), collections.Counter()

    def first(self, what):
        """True the first time it is asked for what: for what has to be prepared once."""
        new = what not in self.once
        self.once.add(what)
        return new

    def patients(self):
        """Whom requests ask for."""
        if self.first("patients"):
            self.system.sql("patient", """insert into patient (id, name, email, gender, address, date_of_birth, registered_date)
                select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Patient ' || n, 'b' || n || '@example.org',
                       'OTHER', n || ' Street', '1990-01-01', '2026-01-01' from generate_series(1, %s) n
                on conflict do nothing""", PATIENTS)
            self.vacuum("patient")

    def vacuum(self, domain):
        """What PostgreSQL would do by itself some time, amid a measurement."""
        load.run("/usr/lib/postgresql/15/bin/vacuumdb", "-q", "-z", "-h", self.system.env["MEDICORE_PGHOST"], "-p", self.system.env["MEDICORE_PGPORT"],
                 "-U", "postgres", f"medicore_{domain}")

    def fresh_directory(self, name):
        self.numbers[name] += 1
        made = self.directory / f"{name.replace(',', '').replace(' ', '-')}-{self.numbers[name]}"
        made.mkdir()
        made.chmod(0o755)
        return made

    def stand(self, server, engine):
        name = f"{server}, {engine}"
        if name not in self.kept_stands:
            self.kept_stands[name] = Stand(self.system, self.fresh_directory(name), server, engine)
        return self.kept_stands[name]

    def stand_in(self, name, server):
        """With constant.c in place of the patient program."""
        if name not in self.kept_stands:
            self.kept_stands[name] = Stand(self.system, self.fresh_directory(name), server, program=[self.built("constant")])
        return self.kept_stands[name]

    def stand_of_hosts(self, name, addresses):
        """lighttpd, and the patient program at these addresses, each as on a host of its own."""
        if name not in self.kept_stands:
            self.kept_stands[name] = Stand(self.system, self.fresh_directory(name), "lighttpd", engines()[0], addresses=addresses)
        return self.kept_stands[name]

    def stands(self):
        """Both web servers with each engine."""
        return [self.stand(server, engine) for server in SERVERS for engine in engines()]

    def close_stands(self):
        """Which weren't there where the memory of all is looked at."""
        for stand in self.kept_stands.values():
            stand.stop()
        self.kept_stands.clear()

    def settle(self):
        """Until the relay has stored what was noted: it works beside whatever is measured next."""
        wait_until(self.audited, 120, "the audit trail")

    def audited(self):
        stored = dict(self.system.sql("patient", "select file, position from audit_spool"))
        try:
            return all(stored.get(f.name, 0) >= f.stat().st_size for f in (self.system.run / "spool" / "patient").iterdir())
        except FileNotFoundError:  # stored, and removed this very moment
            return False

    def note(self, name, trees, command):
        """command() gives a sample; trees are the roots of what its cost is made of."""
        wal = self.wal()
        with processor.measured(trees) as used:
            sample, generator = load.timed(command)
        self.figures.add(name, **sample, wal=self.wal() - wal, processor={**used, "load generator": generator})
        load.say(f"  {name}: {sample['rate']:,.0f}/s")

    def wal(self):
        """Bytes that PostgreSQL has written to its log so far: what a stand-by is sent, and what is archived."""
        return int(self.system.sql("patient", "select pg_current_wal_lsn() - '0/0'")[0][0])

    def add(self, name, count, seconds, used, **more):
        """What was timed elsewhere."""
        self.figures.add(name, rate=count / seconds, count=count, processor=used, **more)
        load.say(f"  {name}: {count / seconds:,.0f}/s")

    def disk(self, domain, what, counted, *tables):
        """Bytes that one of what is in counted takes in tables, their indexes included."""
        held, count = self.system.sql(domain, f"""select (select sum(pg_total_relation_size(t::regclass)) from unnest(%s::text[]) t)::bigint,
            (select count(*) from {counted})""", list(tables))[0]
        if count:
            self.figures.add(f"disk: {what}", disk=held / count)

    def copy(self, domain, statement, rows):
        with contextlib.closing(psycopg2.connect(host=self.system.env["MEDICORE_PGHOST"], port=self.system.env["MEDICORE_PGPORT"], user="postgres",
                                                 dbname=f"medicore_{domain}")) as db, db, db.cursor() as cursor:
            cursor.copy_expert(statement, rows)

    @contextlib.contextmanager
    def others(self, name, environs):
        """Programs in place of one that ./dev started and the measurement has ended."""
        processes = []
        try:
            for more in environs:
                processes.append(self.system.start_another(name, more))
            yield processes
        finally:
            for p in processes:
                p.terminate()
            for p in processes:
                p.wait(30)

    @contextlib.contextmanager
    def another(self, name):
        with self.others(name, [{}]) as processes:
            yield processes[0]

    def http(self, name, stand, script, seconds=None, connections=load.CONNECTIONS):
        return self.note(name, stand.trees(), lambda: load.wrk(self.directory, script, stand.url, self.system.bearer(),
                                                              seconds or self.options.seconds, connections))

    def pgbench(self, name, script, database="medicore_patient", seconds=None, connections=load.CONNECTIONS):
        return self.note(name, {"PostgreSQL": self.system.pid("postgres")},
                         lambda: load.pgbench(self.directory, self.system, database, script, seconds or self.options.seconds, connections))

    def grpc(self, name, program, target, path, message, connections=4, streams=8, each=1):
        """each: how many things one call is about."""
        def command():
            sample = load.grpc(self.directory, target, path, message, self.options.seconds, connections, streams)
            return {**sample, "rate": each * sample["rate"], "count": each * sample["count"]}
        return self.note(name, {"program": program, "PostgreSQL": self.system.pid("postgres")}, command)

    def built(self, name):
        """A program of the benchmark, where any user can start it."""
        made = self.directory / name
        if not made.exists():
            tool = self.system.tool(f"tests/bench/{name}")
            load.run("make", "-s", "-C", self.system.tool("."), f"tests/bench/{name}")
            shutil.copy(tool, made)
        return made
