#include "tests/system/books_fixture.h"

#include "lib/pg/pg.h"

struct ctx rest, operator, super;

/* What happened, on 2026-01-10 and later in UTC; amounts in cents of USD, or fils of KWD. */
static const char books[] =
    "insert into invoice_series values ('', 2026, 6);"
    "create function pg_temp.invoice(n text, patient text, num bigint, state text, sub bigint, vat bigint, paid bigint,"
    " credited bigint, refunded bigint, cur text, day date, due date) returns void language sql as $$"
    " insert into invoice (id, number, patient_id, status, amount, remaining_amount, subtotal, tax, amount_paid, amount_credited,"
    " amount_refunded, currency, issued_at, due_date, service_code) values (('0198f000-0000-7000-8000-0000000001' || n)::uuid,"
    " '2026-' || lpad(num::text, 6, '0'), patient::uuid, state, sub + vat,"
    " case when state in ('VOID', 'REFUNDED') then 0 else sub + vat - paid - credited end, sub, vat, paid, credited, refunded, cur,"
    " day, due, 'GP-1');"
    " insert into invoice_line (invoice_id, position, service_code, quantity, unit_price, tax_rate, net, tax)"
    " values (('0198f000-0000-7000-8000-0000000001' || n)::uuid, 1, 'GP-1', 1, sub, vat * 1000000 / sub, sub, vat) $$;"
    "create function pg_temp.post(p text, k text, i text, pay text, day date, accounts text[], amounts bigint[])"
    " returns void language sql as $$"
    " insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, payment_id, service_code, at)"
    " select ('0198f000-0000-7000-8000-0000000003' || p)::uuid, k, e.account, e.amount, v.currency, v.patient_id, v.id,"
    " ('0198f000-0000-7000-8000-0000000002' || pay)::uuid, case when e.account = 'REVENUE' then 'GP-1' end, day"
    " from invoice v, unnest(accounts, amounts) as e (account, amount)"
    " where v.id = ('0198f000-0000-7000-8000-0000000001' || i)::uuid $$;"
    "create function pg_temp.pay(n text, i text, paid bigint, over bigint, refunded bigint, how text, state text, day date)"
    " returns void language sql as $$"
    " insert into payment (id, invoice_id, patient_id, amount, credited, refunded, currency, method, status, received_at)"
    " select ('0198f000-0000-7000-8000-0000000002' || n)::uuid, id, patient_id, paid, over, refunded, currency, how, state, day"
    " from invoice where id = ('0198f000-0000-7000-8000-0000000001' || i)::uuid $$;"
    "begin;"
    /* 01: 100.00 and 10.00 tax, 30.00 paid in cash. */
    "select pg_temp.invoice('01', '" PATIENT "', 1, 'PARTIALLY_PAID', 10000, 1000, 3000, 0, 0, 'USD', '2026-01-10', '2026-02-09');"
    "select pg_temp.post('01', 'ISSUE', '01', null, '2026-01-10', '{RECEIVABLE,REVENUE,TAX}', '{11000,-10000,-1000}');"
    "select pg_temp.pay('01', '01', 3000, 0, 0, 'CASH', 'RECEIVED', '2026-01-11');"
    "select pg_temp.post('02', 'PAYMENT', '01', '01', '2026-01-11', '{CASH,RECEIVABLE}', '{3000,-3000}');"
    /* 02: 50.00, paid by card with 20.00 too much; of it 11.00 given back. */
    "select pg_temp.invoice('02', '" PATIENT "', 2, 'PAID', 5000, 500, 5500, 0, 1100, 'USD', '2026-01-12', null);"
    "select pg_temp.post('03', 'ISSUE', '02', null, '2026-01-12', '{RECEIVABLE,REVENUE,TAX}', '{5500,-5000,-500}');"
    "select pg_temp.pay('02', '02', 7500, 2000, 1100, 'CARD', 'RECEIVED', '2026-01-13');"
    "select pg_temp.post('04', 'PAYMENT', '02', '02', '2026-01-13', '{CARD,RECEIVABLE,CREDIT}', '{7500,-5500,-2000}');"
    "select pg_temp.post('05', 'REFUND', '02', '02', '2026-01-14', '{REVENUE,TAX,CARD}', '{1000,100,-1100}');"
    "insert into refund values (gen_random_uuid(), '" PAYMENT("02") "', '" INVOICE("02") "', 1100, 'USD', 'cheaper');"
    /* 03: 40.00: 15.00 from the credit; a credit note over 5.00; a cheque that bounced. */
    "select pg_temp.invoice('03', '" PATIENT "', 3, 'PARTIALLY_PAID', 4000, 0, 1500, 500, 0, 'USD', '2026-02-01', null);"
    "select pg_temp.post('06', 'ISSUE', '03', null, '2026-02-01', '{RECEIVABLE,REVENUE}', '{4000,-4000}');"
    "select pg_temp.pay('03', '03', 1500, 0, 0, 'CREDIT', 'RECEIVED', '2026-02-02');"
    "select pg_temp.post('07', 'PAYMENT', '03', '03', '2026-02-02', '{CREDIT,RECEIVABLE}', '{1500,-1500}');"
    "select pg_temp.post('08', 'CREDIT_NOTE', '03', null, '2026-02-03', '{REVENUE,RECEIVABLE}', '{500,-500}');"
    "insert into credit_note values (gen_random_uuid(), '" INVOICE("03") "', 500, 'USD', 'late');"
    "select pg_temp.pay('04', '03', 2000, 0, 0, 'CHEQUE', 'BOUNCED', '2026-02-04');"
    "select pg_temp.post('09', 'PAYMENT', '03', '04', '2026-02-04', '{CHEQUE,RECEIVABLE}', '{2000,-2000}');"
    "select pg_temp.post('10', 'BOUNCE', '03', '04', '2026-02-05', '{CHEQUE,RECEIVABLE}', '{-2000,2000}');"
    "insert into patient_credit values ('" PATIENT "', 'USD', 500);"
    /* 04: 7.000 KWD, void. */
    "select pg_temp.invoice('04', '" PATIENT "', 4, 'VOID', 7000, 0, 0, 0, 0, 'KWD', '2026-02-06', null);"
    "select pg_temp.post('11', 'ISSUE', '04', null, '2026-02-06', '{RECEIVABLE,REVENUE}', '{7000,-7000}');"
    "select pg_temp.post('12', 'VOID', '04', null, '2026-02-07', '{REVENUE,RECEIVABLE}', '{7000,-7000}');"
    /* 05: 1.234 KWD, given up. */
    "select pg_temp.invoice('05', '" DEBTOR "', 5, 'UNCOLLECTIBLE', 1234, 0, 0, 0, 0, 'KWD', '2026-02-08', '2026-02-09');"
    "select pg_temp.post('13', 'ISSUE', '05', null, '2026-02-08', '{RECEIVABLE,REVENUE}', '{1234,-1234}');"
    "select pg_temp.post('14', 'WRITE_OFF', '05', null, '2026-03-08', '{WRITE_OFF,RECEIVABLE}', '{1234,-1234}');"
    /* 06: 20.00, paid and all of it given back. */
    "select pg_temp.invoice('06', '" DEBTOR "', 6, 'REFUNDED', 2000, 0, 2000, 0, 2000, 'USD', '2026-03-01', null);"
    "select pg_temp.post('15', 'ISSUE', '06', null, '2026-03-01', '{RECEIVABLE,REVENUE}', '{2000,-2000}');"
    "select pg_temp.pay('05', '06', 2000, 0, 2000, 'TRANSFER', 'RECEIVED', '2026-03-02');"
    "select pg_temp.post('16', 'PAYMENT', '06', '05', '2026-03-02', '{TRANSFER,RECEIVABLE}', '{2000,-2000}');"
    "select pg_temp.post('17', 'REFUND', '06', '05', '2026-03-03', '{REVENUE,TRANSFER}', '{2000,-2000}');"
    "insert into refund values (gen_random_uuid(), '" PAYMENT("05") "', '" INVOICE("06") "', 2000, 'USD', 'never came');"
    /* 07: a draft, which the books don't know. */
    "insert into invoice (id, patient_id, status, amount, remaining_amount, subtotal, currency)"
    " values ('" INVOICE("07") "', '" PATIENT "', 'DRAFT', 900, 900, 900, 'USD');"
    "insert into invoice_line (invoice_id, position, quantity, unit_price, net, tax) values ('" INVOICE("07") "', 1, 3, 300, 900, 0);"
    "commit;"
    "drop function pg_temp.invoice; drop function pg_temp.post; drop function pg_temp.pay";

void
run(const char *sql)
{
	enum rc rc = pg_script(&super, sql);

	ck_assert_msg(rc == RC_OK, "%s: %s", sql, super.err.detail);
}

void
books_setup(void)
{
	pgtest_connect(&rest, "medicore_billing_rest");
	pgtest_connect(&operator, "medicore_operator");
	pgtest_connect(&super, "postgres");
	run("truncate invoice, invoice_line, ledger, invoice_series, patient_credit restart identity cascade");
	run(books);
}

void
books_teardown(void)
{
	pgtest_disconnect(&rest);
	pgtest_disconnect(&operator);
	pgtest_disconnect(&super);
}

int
main(void)
{
	return pgtest_main("billing", (Suite *[]){ books_suite(), accounts_suite(), NULL });
}
