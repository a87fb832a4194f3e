"""/services by REST: the price list."""
import threading
import uuid

import pytest

import rest
from rest import assert_error, follow, get, query, send, short

MEMBERS = ["code", "description", "price", "currency", "taxRate"]


def new_code():
    return f"t-{uuid.uuid4()}"


def put(code, headers=None, **members):
    body = {"description": "Chest X-ray", "price": "120.50", "currency": "USD", **members}
    return send("PUT", f"/services/{code}", {k: v for k, v in body.items() if v is not None}, headers)


def test_a_new_service_is_201_with_its_own_location_and_an_etag():
    code = new_code()
    answer = put(code)
    assert answer.status == 201, answer
    assert answer.json == {"code": code, "description": "Chest X-ray", "price": "120.50", "currency": "USD", "taxRate": "0"}
    assert list(answer.json) == MEMBERS
    assert answer.headers["Location"].endswith(f"/services/{code}")
    assert answer.headers["ETag"] == '"1"'
    again = get(f"/services/{code}")
    assert again.status == 200 and again.json == answer.json and again.headers["ETag"] == '"1"'


def test_a_changed_service_is_200_with_the_next_etag_and_the_same_again_changes_nothing():
    code = new_code()
    put(code)
    changed = put(code, price="99.00")
    assert changed.status == 200 and changed.json["price"] == "99.00" and changed.headers["ETag"] == '"2"'
    assert "Location" not in changed.headers
    same = put(code, price="99")
    assert same.status == 200 and same.json == changed.json and same.headers["ETag"] == '"2"'


def test_what_get_gave_can_be_sent_back():
    code = new_code()
    got = put(code).json
    answer = send("PUT", f"/services/{code}", got)
    assert answer.status == 200 and answer.json == got and answer.headers["ETag"] == '"1"'


def test_a_body_that_names_another_code_is_refused():
    body = {"code": new_code(), "description": "Chest X-ray", "price": "120.50"}
    assert_error(send("PUT", f"/services/{new_code()}", body), 400, ["code"])


def test_without_a_currency_it_is_the_clinics():
    assert put(new_code(), currency=None).json["currency"] == "USD"


@pytest.mark.parametrize("currency, price, shown", [
    ("JPY", "1500", "1500"), ("KWD", "1.234", "1.234"), ("KWD", "1", "1.000"), ("EUR", "0", "0.00"), ("USD", "007.5", "7.50"),
    ("USD", "92233720368547758.07", "92233720368547758.07"),
])
def test_prices_have_exactly_their_currencys_decimals(currency, price, shown):
    assert put(new_code(), currency=currency, price=price).json["price"] == shown


@pytest.mark.parametrize("given, shown", [("0", "0"), ("8.25", "8.25"), ("20.0", "20"), ("100", "100"), ("0.0001", "0.0001")])
def test_a_tax_rate_is_kept_and_a_change_of_it_is_one(given, shown):
    code = new_code()
    assert put(code, taxRate=given).json["taxRate"] == shown
    again = put(code, taxRate="5")
    assert again.status == 200 and again.json["taxRate"] == "5"
    assert put(code, taxRate="5").headers["ETag"] == again.headers["ETag"]


@pytest.mark.parametrize("rate", ["-1", "100.0001", "1.23456", "8%", "", 8])
def test_bad_tax_rates_are_refused(rate):
    assert_error(put(new_code(), taxRate=rate), 400, ["taxRate"])


def test_a_price_that_cannot_be_counted_with_its_tax_is_refused():
    assert_error(put(new_code(), price="92233720368547758.07", taxRate="0.0001"), 400, ["price"])


BAD_PRICES = ["abc", "", " 5 ", "+5", "-0.00", "-5", "1e3", "1.239", "NaN", "1.", ".5", "0x10", "1,5", "５", "9" * 19,
              "92233720368547758.08", "9" * 400, 5, 1.5, True, [], {}]


@pytest.mark.parametrize("price", BAD_PRICES, ids=short)
def test_bad_prices_are_refused(price):
    code = new_code()
    assert_error(put(code, price=price), 400, ["price"])
    assert get(f"/services/{code}").status == 404


@pytest.mark.parametrize("currency, price", [("JPY", "1.5"), ("JPY", "1.0"), ("KWD", "1.2345")])
def test_more_decimals_than_the_currency_has_are_refused(currency, price):
    assert_error(put(new_code(), currency=currency, price=price), 400, ["price"])


@pytest.mark.parametrize("currency", ["US", "XXX", "DOGE", "", 840])
def test_currencies_outside_iso_4217_are_refused(currency):
    answer = put(new_code(), currency=currency)
    assert answer.status == 400 and "currency" in answer.errors, answer


def test_a_currency_in_small_letters_comes_back_in_capitals():
    assert put(new_code(), currency="eur").json["currency"] == "EUR"


@pytest.mark.parametrize("member", ["description", "price"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_description_and_price_are_required(member, how):
    body = {"description": "Chest X-ray", "price": "1.00"}
    body[member] = None
    if how == "absent":
        del body[member]
    assert_error(send("PUT", f"/services/{new_code()}", body), 400, [member])


@pytest.mark.parametrize("description", ["", "  ", "x" * 256, 5])
def test_bad_descriptions_are_refused(description):
    assert_error(put(new_code(), description=description), 400, ["description"])


def test_unknown_members_are_refused_by_name():
    assert_error(put(new_code(), prise="1.00"), 400, ["prise"])


@pytest.mark.parametrize("code", ["a%20b", "%C3%A9", "x" * 65, "a%2Cb"], ids=short)
def test_a_code_that_is_none_is_refused(code):
    for answer in (put(code), get(f"/services/{code}")):
        assert_error(answer, 400, ["code"])


@pytest.mark.parametrize("code", ["x" * 64, "A.b_c-1"])
def test_codes_have_up_to_64_letters_digits_points_dashes_and_underscores(code):
    assert put(code).status in (200, 201)
    assert get(f"/services/{code}").json["code"] == code


def test_an_unknown_service_is_404():
    code = new_code()
    assert_error(get(f"/services/{code}"), 404, message=f"Service with the code {code} doesn't exist")


# --- If-Match ---

def test_if_match_changes_only_the_version_it_names():
    code = new_code()
    put(code)
    assert put(code, {"If-Match": '"1"'}, price="1.00").headers["ETag"] == '"2"'
    assert_error(put(code, {"If-Match": '"1"'}, price="2.00"), 412)
    assert get(f"/services/{code}").json["price"] == "1.00"
    assert put(code, {"If-Match": "*"}, price="3.00").status == 200


def test_if_match_never_makes_a_service():
    code = new_code()
    assert_error(put(code, {"If-Match": '"1"'}), 412)
    assert get(f"/services/{code}").status == 404


def test_of_many_at_once_with_one_if_match_one_wins():
    code = new_code()
    put(code)
    statuses = []

    def change(i):
        statuses.append(put(code, {"If-Match": '"1"'}, price=f"{i + 1}.00").status)

    threads = [threading.Thread(target=change, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(statuses) == [200] + 7 * [412]
    assert get(f"/services/{code}").headers["ETag"] == '"2"'


# --- list ---

def test_the_list_is_a_bare_array_in_order_of_code_that_pages():
    mine = sorted(f"list-{uuid.uuid4()}" for _ in range(5))
    for code in mine:
        put(code)
    all_of_them, pages = follow(query("/services", limit=2))
    codes = [s["code"] for s in all_of_them]
    assert codes == sorted(codes) and len(set(codes)) == len(codes) and set(mine) <= set(codes)
    assert pages >= 3
    assert [s for s in all_of_them if s["code"] == mine[0]] == [get(f"/services/{mine[0]}").json]


@pytest.mark.parametrize("parameters, member", [
    ({"limit": "0"}, "limit"), ({"limit": "501"}, "limit"), ({"limit": "x"}, "limit"), ({"cursor": "x"}, "cursor"),
    ({"cursor": ""}, "cursor"), ({"code": "x"}, "code"),
])
def test_bad_query_parameters_are_refused(parameters, member):
    assert_error(get(query("/services", **parameters)), 400, [member])


# --- HTTP ---

def test_other_methods_are_405_with_allow():
    for method, path, allowed in (("DELETE", "/services/x", {"GET", "HEAD", "PUT"}), ("POST", "/services", {"GET", "HEAD"})):
        answer = send(method, path, {})
        assert_error(answer, 405)
        assert allowed <= {m.strip() for m in answer.headers["Allow"].split(",")}


def test_head_answers_as_get_without_a_body():
    code = new_code()
    put(code)
    answer = send("HEAD", f"/services/{code}")
    assert answer.status == 200 and answer.raw == b"" and answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize("value", [v for _, v in rest.BAD_VALUES], ids=[n for n, _ in rest.BAD_VALUES])
def test_malformed_json_is_refused(value):
    body = rest.with_value({"description": "x", "price": "1.00"}, "description", value)
    answer = send("PUT", f"/services/{new_code()}", body)
    assert answer.status == 400, answer
