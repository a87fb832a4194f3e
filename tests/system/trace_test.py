"""A booking's way to its invoice, followed by its trace id alone: through the front door, each program, relay and worker."""
import json
import uuid

import pytest

from medicore import System, wait_until


@pytest.fixture(scope="module", params=["--apache", "--kafka --lighttpd"])
def system(request):
    """Each front door and each way from relay to worker, once."""
    with System() as s:
        yield s.up("--no-demo", *(flag for flag in request.param.split() if flag != "--apache"))


def lines(system, trace):
    """What the logs have of it: (log's name, line) in no order."""
    found = []
    for log in (system.run / "log").glob("*.log"):
        for text in log.read_text(errors="replace").splitlines():
            if trace in text and text.startswith("{"):
                found.append((log.stem, json.loads(text)))
    return found


def of(found, name, what):
    return [line for log, line in found if log == name and line.get("what", line.get("path")) == what]


def follow(system, trace):
    """The lines of one booking's way, in order, once the last of them is there."""
    def all_there():
        found = lines(system, trace)
        steps = [of(found, *step) for step in (
            ("access", "/appointments"), ("scheduling", "/appointments"), ("relay-scheduling", "medicore.appointment.booked.v1"),
            ("billing-worker", "medicore.appointment.booked.v1"), ("relay-billing", "medicore.invoice.issued.v1"))]
        verified = of(found, "patientd", "patient.PatientService/verifyPatient")
        return (steps, verified) if all(steps) and len(verified) == 2 else None
    steps, verified = wait_until(all_there, 20, f"all lines of {trace}")
    assert [len(s) for s in steps] == [1] * len(steps)
    return [s[0] for s in steps] + sorted(verified, key=lambda line: line["time"])


def test_one_booking_can_be_followed_by_its_trace(system):
    system.price()
    patient = system.register()["id"]
    trace, parent = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    status, _, booked = system.http("POST", "/appointments", {
        "patientId": patient, "serviceCode": "GP-1", "startsAt": "2026-12-01T10:00:00Z", "durationMinutes": 20},
        {"traceparent": f"00-{trace}-{parent}-01", "X-Request-Id": f"r-{trace}"})
    assert status == 201
    door, rest, relay, worker, told, verify, verify_again = follow(system, trace)
    assert (rest["parent"], verify["parent"]) == (parent, rest["span"])
    assert door["traceresponse"] == f"00-{trace}-{rest['span']}-01"
    assert {line["request"] for line in (door, rest, verify)} == {f"r-{trace}"}
    assert relay["parent"] == worker["parent"] == rest["span"] and verify_again["parent"] == worker["span"]
    assert told["parent"] == worker["span"] and told["verdict"] == relay["verdict"] == "published" and worker["verdict"] == "done"
    assert len({line["span"] for line in (rest, verify, relay, worker, verify_again, told)}) == 6
    event, headers = system.sql("scheduling", "select id::text, headers from outbox where aggregatetype = 'appointment' and"
                                " headers->>'appointment_id' = %s", booked["id"])[0]
    assert event == relay["event"] == worker["event"] and headers["traceparent"] == f"00-{trace}-{rest['span']}-01"


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NONE = (None, "", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-x", f"00-{TRACE}-{PARENT}", f"cc-{TRACE}-{PARENT}-01x", f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01")
GOOD = (f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-more", f"cc-{TRACE}-{PARENT}-ff")


def test_a_trace_goes_on_and_what_is_none_begins_one(system):
    sent = {f"new-{uuid.uuid4()}": parent for parent in NONE + GOOD}
    for request, parent in sent.items():
        headers = {"X-Request-Id": request, **({} if parent is None else {"traceparent": parent})}
        assert system.http("GET", "/services", None, headers)[0] == 200
    traces = set()
    for request, parent in sent.items():
        door, rest = both_lines(system, request)
        assert door["traceresponse"].startswith(f"00-{rest['trace']}-{rest['span']}-0")
        if parent in GOOD:
            assert (rest["trace"], rest["parent"]) == (TRACE, PARENT), parent
        else:
            assert rest["trace"] != TRACE and "parent" not in rest and len(rest["trace"]) == 32 and int(rest["trace"], 16), parent
        traces.add(rest["trace"])
    assert len(traces) == len(NONE) + 1


def both_lines(system, request):
    """The front door's and the program's; lighttpd writes its log every four seconds."""
    def there():
        found = lines(system, request)
        door, rest = of(found, "access", "/services"), of(found, "billing", "/services")
        return (door[0], rest[0]) if door and rest else None
    return wait_until(there, 15, f"the lines of {request}")
