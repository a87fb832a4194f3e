"""gRPC, beside a listener of ours that answers a constant."""
import contextlib
import os
import subprocess

import wire
from context import PATIENT
from load import CONNECTIONS
from medicore import TOP, free_base, wait_until

VERIFY = "/patient.PatientService/verifyPatient"


@contextlib.contextmanager
def constant(c):
    """Process id and address of the listener that answers a constant."""
    port = free_base(1)
    rights = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with open(c.directory / "constant_listener.log", "ab") as log:
        p = subprocess.Popen([c.built("constant_listener"), "--config", c.system.run / "medicore.conf"], stdout=log, stderr=log,
                             env={**os.environ, "MEDICORE__PATIENTD__LISTEN": f"127.0.0.1:{port}"}, **rights)
    try:
        wait_until(lambda: subprocess.run(["bash", "-c", f": </dev/tcp/127.0.0.1/{port}"], stderr=subprocess.DEVNULL).returncode == 0, 10, "constant_listener")
        yield p.pid, f"127.0.0.1:{port}"
    finally:
        p.terminate()
        p.wait(10)


def verify(c):
    c.patients()
    s, one = c.system, wire.patient_pb2.PatientLookupRequest(patientId=PATIENT)
    many = wire.patient_pb2.PatientsLookupRequest(patientId=[f"00000000-0000-7000-8000-{n:012}" for n in range(1, 1001)])
    target = s.env["MEDICORE_PATIENT_GRPC"]
    if (TOP / "tests/bench/constant_listener.c").exists():
        with constant(c) as (pid, address):
            c.grpc("listener that answers a constant", pid, address, VERIFY, one)
    c.grpc("verifyPatient", s.pid("patientd"), target, VERIFY, one)
    c.settle()
    c.grpc("verifyPatients, ids", s.pid("patientd"), target, VERIFY + "s", many, connections=2, streams=2, each=1000)
    c.settle()


def invoice(c):
    c.patients()
    asked = wire.billing_pb2.InvoiceRequest(patientId=PATIENT, amount="12.50")
    c.grpc("createInvoice", c.system.pid("billingd"), c.system.env["MEDICORE_BILLING_GRPC"], "/billing.BillingService/createInvoice", asked,
           connections=4, streams=CONNECTIONS // 4)
