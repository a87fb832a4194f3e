"""Invoices and receipts as PDF: read back by other programs (poppler), looked at as an image, the same bytes each time, whatever a name is made of."""
import http.client
import re
import subprocess
import urllib.parse
import uuid

import pytest

from medicore import System, wait_until

WORDS = {"plain": "Ada Lovelace", "accents": "José Ñandú-Çelik Ångström", "chinese": "王小明", "hindi": "शिक्षा कुमारी"}
HOSTILE = {"long": "W" * 80, "rtl": "\u202eאבג دار ABC\u202c", "combining": "Z" + "\u0301\u0327" * 39, "markup": "<b>&amp;\\(%s)</b>",
           "emoji": "🩺" * 40, "lines": "a\nb\tc\u2028d"}


@pytest.fixture(scope="module")
def system():
    with System() as s:
        s.up("--no-demo")
        yield s


def pdf(system, path, role="BILLING"):
    status, headers, raw = fetch(system, path, role)
    assert status == 200, raw
    assert headers["Content-Type"] == "application/pdf"
    assert raw.startswith(b"%PDF-") and raw.rstrip().endswith(b"%%EOF")
    return raw


def fetch(system, path, role="BILLING"):
    url = urllib.parse.urlsplit(system.env["MEDICORE_URL"])
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    connection.request("GET", path, headers=system.bearer(role))
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def tool(name, raw, *args):
    done = subprocess.run([name, *args], input=raw, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    return done.stdout


def text(raw):
    return tool("pdftotext", raw, "-layout", "-", "-").decode()


def joined(words):
    return "".join(words.split())


def pages(raw):
    return int(re.search(rb"^Pages:\s+(\d+)", tool("pdfinfo", raw, "-"), re.M)[1])


def ink(raw, page=1):
    """Part of the page's pixels that are not white, and that lie on its edge."""
    image = tool("pdftoppm", raw, "-f", str(page), "-l", str(page), "-r", "50", "-gray", "-")
    head = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", image)
    width, height, pixels = int(head[1]), int(head[2]), image[head.end():]
    edge = [i for i, p in enumerate(pixels) if p < 200 and (i % width < 10 or i % width >= width - 10)]
    return sum(p < 128 for p in pixels) / (width * height), len(edge)


def invoice(system, patient, **members):
    status, _, body = system.http("POST", "/invoices", {"patientId": patient["id"], **members})
    assert status == 201, body
    return body


LINES = [{"description": "Consultation", "quantity": 1, "unitPrice": "85.55", "taxRate": "8.25"},
         {"description": "Dressing", "quantity": 3, "unitPrice": "4.10"}]


def numbered(system, made):
    wait_until(lambda: system.http("GET", f"/invoices/{made['id']}")[2].get("number"), 5, "the number")
    return system.http("GET", f"/invoices/{made['id']}")[2]


@pytest.mark.parametrize("name", WORDS.values(), ids=WORDS)
def test_an_invoice_reads_back_with_number_name_lines_and_total(system, name):
    patient = system.register(name=name, address="1 Calle Mayor; Madrid")
    made = invoice(system, patient, lines=LINES)
    raw = pdf(system, f"/documents/invoices/{made['id']}")  # at once: the number is waited for
    made = numbered(system, made)
    said = text(raw)
    assert f"Invoice {made['number']}" in said
    assert patient["id"] in said and "1 Calle Mayor" in said
    assert joined(name) in joined(said)  # where a font lacks a character there would be a box with its number
    assert re.search(r"Consultation +1 +85\.55 +8\.25 % +85\.55", said)
    assert re.search(r"Dressing +3 +4\.10 +0 ?% +12\.30", said)
    assert re.search(rf"Total +{made['currency']} {re.escape(made['amount'])}\n", said)
    assert ink(raw)[0] > 0.005


def test_the_same_invoice_is_the_same_bytes(system):
    made = numbered(system, invoice(system, system.register(), lines=LINES))
    path = f"/documents/invoices/{made['id']}"
    first = pdf(system, path)
    assert all(pdf(system, path) == first for _ in range(10))  # by either process, by any thread


@pytest.mark.parametrize("script,font", [("hindi", "Devanagari"), ("chinese", "DroidSansFallback"), ("accents", "DejaVuSans")])
def test_each_script_has_its_font(system, script, font):
    made = invoice(system, system.register(name=WORDS[script]), lines=LINES)
    assert font in tool("pdffonts", pdf(system, f"/documents/invoices/{made['id']}"), "-").decode()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_breaks_the_page(system, name):
    made = invoice(system, system.register(name=name), lines=LINES)
    raw = pdf(system, f"/documents/invoices/{made['id']}")
    share, at_the_edge = ink(raw)
    assert pages(raw) == 1 and share > 0.005 and at_the_edge == 0
    assert re.search(r"Consultation +1 +85\.55 +8\.25 % +85\.55", text(raw))


def test_a_hundred_lines_go_over_several_pages_with_headings_on_each(system):
    lines = [{"description": f"Thing {n} " + "of many words " * 10, "quantity": n, "unitPrice": "1.00"} for n in range(1, 101)]
    raw = pdf(system, f"/documents/invoices/{invoice(system, system.register(), lines=lines)['id']}")
    count, said = pages(raw), text(raw)
    assert count > 2
    assert len(re.findall(r"Description +Quantity", said)) == count
    assert all(f"Page {n} of {count}" in said for n in range(1, count + 1))
    assert all(f"Thing {n} " in said for n in range(1, 101))
    assert re.search(r"Total +USD 5050\.00\n", said)
    assert all(ink(raw, n)[0] > 0.001 and ink(raw, n)[1] == 0 for n in range(1, count + 1))


@pytest.mark.parametrize("currency,price", [("USD", "92233720368547758.07"), ("JPY", "9223372036854775807"), ("KWD", "9223372036854775.807")])
def test_the_largest_amounts_are_whole_on_one_line(system, currency, price):
    made = invoice(system, system.register(), currency=currency, lines=[{"description": "All", "quantity": 1, "unitPrice": price}])
    said = text(pdf(system, f"/documents/invoices/{made['id']}"))
    assert len(re.findall(rf"{re.escape(price)}\b", said)) >= 4


def test_a_draft_says_so_and_has_no_number(system):
    made = invoice(system, system.register(), draft=True, lines=LINES)
    said = text(pdf(system, f"/documents/invoices/{made['id']}"))
    assert "Draft" in said and "Number" not in said


def test_a_deleted_patients_invoice_says_so(system):
    patient = system.register(name="Grace Hopper")
    made = numbered(system, invoice(system, patient, lines=LINES))
    assert system.http("DELETE", f"/patients/{patient['id']}")[0] == 204
    said = text(pdf(system, f"/documents/invoices/{made['id']}"))
    assert "Patient no longer on file" in said and patient["id"] in said and "Grace" not in said


def test_a_receipt_shows_what_was_paid_and_what_remains(system):
    patient = system.register()
    made = numbered(system, invoice(system, patient, lines=LINES))
    status, _, payment = system.http("POST", f"/invoices/{made['id']}/payments", {"amount": "50.00", "method": "CASH", "reference": "till 4"})
    assert status == 201, payment
    raw = pdf(system, f"/documents/receipts/{payment['id']}")
    said = text(raw)
    assert payment["id"] in said and made["number"] in said and patient["name"] in said and "till 4" in said
    assert re.search(r"Received with thanks +USD 50\.00\n", said)
    assert re.search(rf"Remaining +USD {re.escape(payment['remainingAmount'])}\n", said)
    assert pdf(system, f"/documents/receipts/{payment['id']}") == raw


def test_a_statement_has_each_entry_and_the_balance_after_it(system):
    patient = system.register()
    made = numbered(system, invoice(system, patient, lines=LINES))
    status, _, payment = system.http("POST", f"/invoices/{made['id']}/payments", {"amount": "50.00", "method": "CARD"})
    assert status == 201, payment
    path = f"/documents/statements/{patient['id']}?from=2020-01-01&to=2099-12-31"
    raw = pdf(system, path)
    said = text(raw)
    assert patient["name"] in said and made["number"] in said and "CARD" in said
    assert re.search(rf"{re.escape(made['amount'])} +{re.escape(made['amount'])}\n", said)
    assert re.search(rf" 50\.00 +{re.escape(payment['remainingAmount'])}\n", said)
    assert pdf(system, path) == raw
    assert fetch(system, f"/documents/statements/{uuid.uuid4()}")[0] == 404
    assert fetch(system, f"/documents/statements/{patient['id']}?from=x")[0] == 400


def test_what_is_not_there_is_404_and_what_is_no_id_400(system):
    for kind in ("invoices", "receipts"):
        assert fetch(system, f"/documents/{kind}/{uuid.uuid4()}")[0] == 404
        assert fetch(system, f"/documents/{kind}/x")[0] == 400
    assert fetch(system, f"/documents/invoices/{uuid.uuid4()}", "DOCTOR")[0] == 403


def test_each_document_is_in_billings_trail(system):
    patient = system.register()
    made = numbered(system, invoice(system, patient, lines=LINES))
    pdf(system, f"/documents/invoices/{made['id']}")
    found = "select result from audit where action = 'GET /documents/invoices/{id}' and thing = %s and patient_id = %s and program = %s"
    wait_until(lambda: system.sql("billing", found, made["id"], patient["id"], "medicore-documents.fcgi") == [("ok",)], 10, "the entry")


def test_documents_take_their_memory_in_a_program_of_their_own(system):
    sizes = {name: max(system.memory_kib(pid) for pid in system.workers(name)) for name in ("documents", "billing")}
    print(f"PSS of the largest process: documents {sizes['documents']} KiB, billing {sizes['billing']} KiB")
    assert sizes["documents"] < 64 * 1024


def test_without_the_relay_an_invoice_waits_for_its_number_then_is_503(system):
    system.kill("relay-billing")
    made = invoice(system, system.register(), lines=LINES)
    status, headers, _ = fetch(system, f"/documents/invoices/{made['id']}")
    assert status == 503 and int(headers["Retry-After"]) >= 1
    system.again()
    numbered(system, made)
    assert pdf(system, f"/documents/invoices/{made['id']}")


def test_without_the_patient_service_there_is_no_document(system):
    made = numbered(system, invoice(system, system.register(), lines=LINES))
    system.kill("patientd")
    status, headers, _ = fetch(system, f"/documents/invoices/{made['id']}")
    assert status == 503 and int(headers["Retry-After"]) >= 1
    system.again()
    assert pdf(system, f"/documents/invoices/{made['id']}")
