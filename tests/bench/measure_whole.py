"""All programs together, one process each: how soon they are ready, and what they take under load."""
import footprint
import load
import wire
from context import PATIENT
from load import say
from measure_rpc import VERIFY
from measure_web import GET, LIST, POST
from supervisor import Keeper

STARTS = 5
SERVICE = "162673000"  # that footprint.load books


def every_kind(c):
    """The load under which memory is looked at."""
    s, seconds = c.system, c.options.seconds
    for script in (GET, POST, LIST):
        load.wrk(c.directory, script, s.env["MEDICORE_URL"], s.bearer(), seconds)
    load.grpc(c.directory, s.env["MEDICORE_PATIENT_GRPC"], VERIFY, wire.patient_pb2.PatientLookupRequest(patientId=PATIENT), seconds)
    load.grpc(c.directory, s.env["MEDICORE_BILLING_GRPC"], "/billing.BillingService/createInvoice",
              wire.billing_pb2.InvoiceRequest(patientId=PATIENT, amount="12.50"), seconds)
    footprint.load(s)


def whole(c):
    """Memory is PSS: what is shared counts in part for each that shares it.  Stands would take their part of it, so they go before."""
    c.close_stands()
    c.patients()
    c.system.price(SERVICE)
    keeper = Keeper(c.system, instances=1)
    try:
        for n in range(STARTS):
            if n > 0:
                keeper.stop_all()
            took = keeper.start_all() if n > 0 else keeper.take_over()
            c.figures.add("start of all programs", seconds=took)
            say(f"  start of all programs: {took:.2f} s")
        every_kind(c)
        held = c.system.sql("patient", """select usename::text, count(*) from pg_stat_activity where usename like 'medicore%%' group by 1 order by 1""")
        parts = footprint.one_of_each(keeper)
        c.disk("patient", "lines of the audit trail", "audit", "audit")
    finally:
        keeper.close()
    for role, connections in held:
        c.figures.add(f"connections of {role}", connections=connections)
    for name, files in parts.items():
        c.figures.add(f"memory of {name}", mib=sum(files.values()) / 1024)
    c.figures.add("memory of all programs", mib=sum(sum(files.values()) for files in parts.values()) / 1024)
