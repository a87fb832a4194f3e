"""All invoices of the sample population, paid through Apache by random methods and in parts; then medicore check proves the books."""
import http.client
import json
import os
import random
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from medicore import System, wait_until
from population_test import APPOINTMENTS, import_appointments, import_basics, invoiced

pytestmark = pytest.mark.alone  # payments a second are measured

CLIENTS = 16
METHODS = ["CASH", "CARD", "TRANSFER", "CHEQUE", "INSURANCE"]


def parts_of(chance, cents):
    """How somebody pays: all of it in up to three parts, or one part and no more."""
    if cents < 3 or chance.random() < 0.4:
        return [cents]
    first = chance.randrange(1, cents - 1)
    if chance.random() < 0.3:
        return [first]
    second = chance.randrange(1, cents - first + 1)
    return [first, second] + ([cents - first - second] if cents > first + second else [])


class Payer:
    """One client and its connection."""

    def __init__(self, s):
        url = urllib.parse.urlsplit(s.env["MEDICORE_URL"])
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        self.headers = {**s.bearer("STAFF"), "Content-Type": "application/json"}

    def pay(self, invoice_id, payments):
        for method, cents in payments:
            body = json.dumps({"amount": f"{cents // 100}.{cents % 100:02}", "method": method})
            self.connection.request("POST", f"/invoices/{invoice_id}/payments", body, self.headers)
            answer = self.connection.getresponse()
            said = answer.read()
            assert answer.status == 201, said


def pay_all(s, plans):
    payers = [Payer(s) for _ in range(CLIENTS)]
    begun = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = [pool.submit(lambda n=n: [payers[n].pay(*plan) for plan in plans[n::CLIENTS]]) for n in range(CLIENTS)]
        for client in done:
            client.result()
    return time.monotonic() - begun


def test_all_invoices_of_the_sample_are_paid_and_the_books_balance():
    seed = int(os.environ.get("MEDICORE_MONEY_SEED", time.time()))
    print(f"seed {seed}")
    chance = random.Random(seed)
    with System() as s:
        s.up("--no-demo")
        import_basics(s)
        assert import_appointments(s, "--without", "PROVIDER").returncode == 0
        wait_until(lambda: invoiced(s) == APPOINTMENTS, 60, "all invoices")
        amounts = s.sql("billing", "select id::text, amount from invoice order by id")
        plans = [(i, [(chance.choice(METHODS), part) for part in parts_of(chance, cents)]) for i, cents in amounts if cents > 0]
        payments = sum(len(p) for _, p in plans)
        took = pay_all(s, plans)
        print(f"{payments} payments in {took:.1f} s: {payments / took:.0f}/s")
        owed, due = dict(amounts), {}
        for invoice_id, paid in plans:
            left = owed[invoice_id] - sum(cents for _, cents in paid)
            due[invoice_id] = ("PARTIALLY_PAID" if left else "PAID", left)
        stored = {i: (status, left) for i, status, left in s.sql(
            "billing", "select id::text, status, remaining_amount from invoice where amount > 0")}
        assert stored == due
        by_method = dict(s.sql("billing", "select account, sum(amount)::bigint from ledger where account = any(%s) group by account", METHODS))
        assert by_method == {m: sum(c for _, p in plans for method, c in p if method == m) for m in METHODS}
        wait_until(lambda: s.sql("billing", "select count(*) from invoice where number is null")[0][0] == 0, 20, "all numbers")
        checked = s.medicore("check")
        print(checked.stdout)
