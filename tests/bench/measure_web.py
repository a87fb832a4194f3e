"""REST by both web servers and both engines, beside pgbench with the same statements."""
from context import PATIENTS
from load import CONNECTIONS
from medicore import free_base
from stand import SERVERS, engines

SELECT = rf"""\set n random(1, {PATIENTS})
select id, name, email, gender, address, date_of_birth, registered_date, version from patient
where id = ('00000000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid and deleted_at is null;
"""

# What POST /patients has in its transaction: the row, and no more.  Its line of the audit trail is noted in a file (lib/audit), and patients have no outbox.
INSERT = r"""insert into patient (id, name, email, gender, address, date_of_birth, registered_date)
values (gen_random_uuid(), 'Bench Mark', gen_random_uuid() || '@example.org', 'OTHER', '1 Street', '1990-01-01', '2026-01-01')
returning id, name, email, gender, address, date_of_birth, registered_date, version;
"""

# Requests are made before any is sent, so that the load generator takes as little of the machine as it can.
GET = f"""
local made = {{}}
init = function(args)
  math.randomseed(tonumber(tostring(made):match("0x(%x+)"), 16) % 2^31)
  for n = 1, {PATIENTS} do made[n] = wrk.format("GET", string.format("/patients/00000000-0000-7000-8000-%012d", n)) end
end
request = function() return made[math.random({PATIENTS})] end
"""
POST = """
local threads, n = 0, 0
setup = function(t) t:set("thread", threads); threads = threads + 1 end
init = function(args) wrk.headers["Content-Type"] = "application/json" end
request = function()
  n = n + 1
  return wrk.format("POST", "/patients", nil, string.format(
    '{"name":"Bench Mark","email":"RUN-%d-%d@example.org","gender":"OTHER","address":"1 Street",' ..
    '"dateOfBirth":"1990-01-01","registeredDate":"2026-01-01"}', thread, n))
end
"""
LIST = """
local made
init = function(args) made = wrk.format("GET", "/patients?limit=50") end
request = function() return made end
"""
CLIENTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]


def get(c):
    c.patients()
    c.stands()
    c.pgbench("pgbench, the SELECT of GET", SELECT)
    for stand in c.stands():
        c.http(f"GET by {stand.name}", stand, GET)
        c.settle()


def post(c):
    c.stands()
    c.pgbench("pgbench, the INSERT of POST", INSERT)
    for stand in c.stands():
        c.http(f"POST by {stand.name}", stand, POST)
        c.settle()


def list_of_50(c):
    c.patients()
    for stand in c.stands():
        c.http(f"list of 50 by {stand.name}", stand, LIST)
        c.settle()


def door(c):
    """What a web server takes for itself, and libfcgi: threads that answer a constant."""
    for server in SERVERS:
        name = f"{server}, a constant"
        c.http(f"GET by {name}", c.stand_in(name, server), LIST)


def hosts(c):
    """One and two hosts of the patient program by TCP, beside one by a unix socket: what the way costs, and that two share the work.  They are on this
    machine, so two are no faster here."""
    c.patients()
    if c.first("hosts"):
        c.addresses = [("127.0.0.1", free_base(1)) for _ in range(3)]
    c.http("GET by lighttpd, unix socket", c.stand("lighttpd", engines()[0]), GET)
    for name, addresses in (("one host by TCP", c.addresses[:1]), ("two hosts by TCP", c.addresses[1:])):
        c.http(f"GET by lighttpd, {name}", c.stand_of_hosts(name, addresses), GET)
        c.settle()


def clients(c):
    """Throughput and latency as clients get more; the first engine is the default."""
    c.patients()
    for server in SERVERS:
        stand = c.stand(server, engines()[0])
        for n in CLIENTS:
            c.http(f"GET by {server} for {n} clients", stand, GET, min(c.options.seconds, 3), n)
            c.settle()
    for n in CLIENTS:
        if n <= 2 * CONNECTIONS:  # each is a connection to PostgreSQL
            c.pgbench(f"pgbench for {n} clients", SELECT, seconds=min(c.options.seconds, 3), connections=n)
