"""/accounts and /reports by REST: what is owed, how that came about, what was earned; as JSON and as CSV."""
import csv
import datetime
import io
import uuid

import pytest

from medicore import sql
from rest import assert_error, get, post, query, registered, send

TODAY = datetime.datetime.now(datetime.timezone.utc).date()


@pytest.fixture
def patient_id():
    return registered()["id"]


def issued(patient_id, amount, **members):
    answer = post("/invoices", {"patientId": patient_id, "amount": amount, **members})
    assert answer.status == 201, answer
    return answer.json


def paid(invoice, amount, method="CASH", **members):
    answer = post(f"/invoices/{invoice['id']}/payments", {"amount": amount, "currency": invoice["currency"], "method": method, **members})
    assert answer.status == 201, answer
    return answer.json


def account(patient_id):
    answer = get(f"/accounts/{patient_id}")
    assert answer.status == 200, answer
    return answer.json


def table(answer):
    """The rows of a CSV answer by their names."""
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv"), answer
    assert answer.headers["Content-Disposition"].startswith("attachment"), answer
    return list(csv.DictReader(io.StringIO(answer.raw.decode(), newline="")))


# --- accounts ---

def test_a_patient_without_invoices_has_empty_lists(patient_id):
    assert account(patient_id) == {"patientId": patient_id, "balances": [], "invoices": []}
    assert account(patient_id.upper())["patientId"] == patient_id


def test_balances_are_by_currency_with_ageing_credit_and_the_open_invoices(patient_id):
    late = str(TODAY - datetime.timedelta(days=45))
    first = issued(patient_id, "100.00")
    second = issued(patient_id, "7.000", currency="KWD", dueDate=late)
    paid(first, "30.00")
    said = account(patient_id)
    assert said["balances"] == [
        {"currency": "KWD", "balance": "7.000", "credit": "0.000", "openInvoices": 1,
         "ageing": {"days0to30": "0.000", "days31to60": "7.000", "days61to90": "0.000", "daysOver90": "0.000"}},
        {"currency": "USD", "balance": "70.00", "credit": "0.00", "openInvoices": 1,
         "ageing": {"days0to30": "70.00", "days31to60": "0.00", "days61to90": "0.00", "daysOver90": "0.00"}}]
    # Its number and its being overdue come when they come.
    assert [{k: v for k, v in i.items() if k not in ("number", "status")} for i in said["invoices"]] == [
        {"id": first["id"], "amount": "100.00", "remainingAmount": "70.00", "currency": "USD", "dueDate": first["dueDate"]},
        {"id": second["id"], "amount": "7.000", "remainingAmount": "7.000", "currency": "KWD", "dueDate": late}]
    assert all(set(i) >= {"number", "status"} for i in said["invoices"])
    paid(first, "75.50", overpayment="credit")
    _, usd = account(patient_id)["balances"]
    assert (usd["balance"], usd["credit"], usd["openInvoices"]) == ("0.00", "5.50", 0)


def test_drafts_voids_and_write_offs_are_not_owed(patient_id):
    issued(patient_id, "1.00", draft=True)
    assert post(f"/invoices/{issued(patient_id, '2.00')['id']}/void").status == 200
    assert post(f"/invoices/{issued(patient_id, '3.00')['id']}/write-off").status == 200
    assert account(patient_id) == {"patientId": patient_id, "balances": [], "invoices": []}


@pytest.mark.parametrize("path", ["/accounts/{}", "/accounts/{}/statement"])
def test_an_unknown_patient_is_404_and_no_id_400(path):
    nobody = str(uuid.uuid4())
    assert_error(get(path.format(nobody)), 404, message=f"patient with Id {nobody} do not exist")
    assert_error(get(path.format("1-1-1-1-1")), 400, ["patientId"])


def test_a_deleted_patient_still_owes(patient_id):
    issued(patient_id, "5.00")
    assert send("DELETE", f"/patients/{patient_id}").status == 204
    assert account(patient_id)["balances"][0]["balance"] == "5.00"


def test_a_sum_that_is_too_large_is_a_conflict_and_no_number(patient_id):
    for _ in range(2):
        made = issued(patient_id, "9223372036854775807", currency="JPY")
    assert_error(get(f"/accounts/{patient_id}"), 409, message="A sum is too large to be told")
    assert_error(get(f"/accounts/{patient_id}/statement"), 409)
    assert post(f"/invoices/{made['id']}/void").status == 200
    assert account(patient_id)["balances"][0]["balance"] == "9223372036854775807"


# --- statements ---

def test_a_statement_runs_from_opening_to_closing_as_json_and_csv(patient_id):
    invoice = issued(patient_id, "100.00", description='Consultation, "à la carte"')
    paid(invoice, "120.00", method="CARD", overpayment="credit")
    path = query(f"/accounts/{patient_id}/statement", to=TODAY)
    said = get(path).json
    assert said["patientId"] == patient_id and said["to"] == str(TODAY) and said["from"] == f"{TODAY.year}-01-01"
    assert said["balances"] == [{"currency": "USD", "opening": "0.00", "closing": "-20.00"}]
    entries = said["entries"]
    assert [(e["kind"], e["debit"], e["credit"], e["balance"], e["method"], e["date"]) for e in entries] == [
        ("ISSUE", "100.00", None, "100.00", None, str(TODAY)), ("PAYMENT", None, "120.00", "-20.00", "CARD", str(TODAY))]
    rows = table(get(path, Accept="text/csv"))
    assert [r["kind"] for r in rows] == ["OPENING", "ISSUE", "PAYMENT", "CLOSING"]
    assert rows[1]["description"] == 'Consultation, "à la carte"' and rows[1]["debit"] == "100.00" and rows[1]["credit"] == ""
    assert rows[3]["balance"] == "-20.00" and rows[0]["balance"] == "0.00"


def test_refunds_and_money_for_what_was_written_off_stand_on_both_sides(patient_id):
    first, second = issued(patient_id, "100.00"), issued(patient_id, "30.00")
    payment = paid(first, "100.00", method="CARD")
    assert post(f"/payments/{payment['id']}/refunds", {"amount": "25.00", "reason": "moved away"}).status == 201
    assert post(f"/invoices/{second['id']}/write-off").status == 200
    paid(second, "10.00")
    said = get(f"/accounts/{patient_id}/statement").json
    assert [(e["kind"], e["debit"], e["credit"], e["balance"]) for e in said["entries"][2:]] == [
        ("PAYMENT", None, "100.00", "30.00"), ("REFUND", "25.00", "25.00", "30.00"), ("WRITE_OFF", None, "30.00", "0.00"),
        ("PAYMENT", "10.00", "10.00", "0.00")]


def test_a_period_before_anything_is_empty_and_after_it_opens_with_it(patient_id):
    issued(patient_id, "10.00")
    before = get(query(f"/accounts/{patient_id}/statement", **{"from": "2001-01-01", "to": "2001-12-31"})).json
    assert (before["balances"], before["entries"]) == ([], [])
    tomorrow = TODAY + datetime.timedelta(days=1)
    after = get(query(f"/accounts/{patient_id}/statement", **{"from": tomorrow, "to": tomorrow})).json
    assert after["balances"] == [{"currency": "USD", "opening": "10.00", "closing": "10.00"}] and after["entries"] == []


@pytest.mark.parametrize("parameters, blamed", [
    ({"from": "2026-02-30"}, "from"), ({"to": "yesterday"}, "to"), ({"from": "2026-02-02", "to": "2026-02-01"}, "to"),
    ({"from": "9999-12-31"}, "from"), ({"since": "2026-01-01"}, "since"), ({"limit": 5}, "limit")])
def test_bad_periods_are_refused_by_name(patient_id, parameters, blamed):
    assert_error(get(query(f"/accounts/{patient_id}/statement", **parameters)), 400, [blamed])


def test_the_last_day_there_is_may_be_named(patient_id):
    assert get(query(f"/accounts/{patient_id}/statement", **{"from": "0001-01-01", "to": "9999-12-31"})).status == 200


def test_what_is_neither_json_nor_csv_is_not_acceptable(patient_id):
    assert get(f"/accounts/{patient_id}/statement", Accept="application/pdf").status == 406
    assert get(f"/accounts/{patient_id}", Accept="text/csv").status == 406


# --- reports ---

@pytest.fixture
def long_ago():
    """A day of its own, before the program: whatever is on it is this test's."""
    day = f"1990-{uuid.uuid4().int % 12 + 1:02}-{uuid.uuid4().int % 28 + 1:02}"
    yield day
    sql("billing", "set session_replication_role = replica; delete from ledger where at < '1991-01-01'")


def booked_on(day, patient_id, entries, kind="ISSUE"):
    invoice = issued(patient_id, "0")
    for account_name, amount, service in entries:
        sql("billing", "set session_replication_role = replica; insert into ledger (posting, kind, account, amount, currency, patient_id,"
            " invoice_id, service_code, at) values (%s, %s, %s, %s, 'USD', %s, %s, %s, %s)", invoice["id"], kind, account_name, amount,
            patient_id, invoice["id"], service, f"{day}T12:00:00Z")


def revenue(day, by, **headers):
    return get(query("/reports/revenue", **{"from": day, "to": day, "by": by}), **headers)


def test_revenue_is_by_day_month_service_and_method(patient_id, long_ago):
    booked_on(long_ago, patient_id, [("RECEIVABLE", 1100, None), ("REVENUE", -600, "A"), ("REVENUE", -400, "B"), ("TAX", -100, None)])
    booked_on(long_ago, patient_id, [("CASH", 700, None), ("RECEIVABLE", -700, None)], "PAYMENT")
    booked_on(long_ago, patient_id, [("REVENUE", 91, "A"), ("TAX", 9, None), ("CASH", -100, None)], "REFUND")
    whole = {"currency": "USD", "revenue": "9.09", "tax": "0.91", "received": None, "refunds": "1.00"}
    said = revenue(long_ago, "day").json
    assert said == {"from": long_ago, "to": long_ago, "by": "day", "rows": [{"key": long_ago, **whole}]}
    assert revenue(long_ago, "month").json["rows"] == [{"key": long_ago[:7], **whole}]
    assert [(r["key"], r["revenue"], r["tax"], r["refunds"]) for r in revenue(long_ago, "service").json["rows"]] == [
        ("A", "5.09", None, "0.91"), ("B", "4.00", None, "0.00")]
    assert revenue(long_ago, "method").json["rows"] == [
        {"key": "CASH", "currency": "USD", "revenue": None, "tax": None, "received": "7.00", "refunds": "1.00"}]
    assert table(revenue(long_ago, "day", Accept="text/csv")) == [
        {"key": long_ago, "currency": "USD", "revenue": "9.09", "tax": "0.91", "received": "", "refunds": "1.00"}]


def test_a_period_without_anything_earns_nothing():
    answer = get(query("/reports/revenue", **{"from": "1980-01-01", "to": "1980-12-31"}))
    assert answer.json == {"from": "1980-01-01", "to": "1980-12-31", "by": "month", "rows": []}
    assert table(get(query("/reports/revenue", **{"from": "1980-01-01", "to": "1980-12-31"}), Accept="text/csv")) == []


@pytest.mark.parametrize("parameters, blamed", [({"by": "week"}, "by"), ({"by": ""}, "by"), ({"from": "x"}, "from"), ({"on": "x"}, "on")])
def test_bad_questions_are_refused_by_name(parameters, blamed):
    assert_error(get(query("/reports/revenue", **parameters)), 400, [blamed])


def test_ageing_adds_up_what_all_owe(patient_id):
    late = str(TODAY - datetime.timedelta(days=100))

    def bhd():
        answer = get("/reports/ageing")
        assert answer.status == 200 and answer.json["date"] == str(TODAY), answer
        return next((r for r in answer.json["rows"] if r["currency"] == "BHD"), None)

    for huge, in sql("billing", "select id::text from invoice where status <> 'DRAFT' and remaining_amount > 9000000000000000000"):
        assert post(f"/invoices/{huge}/void").status == 200
    assert bhd() is None
    issued(patient_id, "1.500", currency="BHD", dueDate=late)
    issued(patient_id, "2.000", currency="BHD")
    assert bhd() == {"currency": "BHD", "openInvoices": 2, "days0to30": "2.000", "days31to60": "0.000", "days61to90": "0.000",
                     "daysOver90": "1.500", "total": "3.500"}
    rows = table(get("/reports/ageing", Accept="text/csv"))
    assert [r["total"] for r in rows if r["currency"] == "BHD"] == ["3.500"]
    for i in account(patient_id)["invoices"]:
        assert post(f"/invoices/{i['id']}/void").status == 200
    assert bhd() is None
