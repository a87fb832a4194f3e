/*
 * Random operations on many invoices by several threads, against a model that knows nothing of how we book: amounts, states and refusals
 * are compared after each, the tables and the ledger at the end.  Meanwhile others number invoices and look for overdue ones.
 *
 * MEDICORE_MONEY_OPERATIONS (20,000) and MEDICORE_MONEY_SEED (of the clock) choose a run; the seed is printed.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/uuid.h"
#include "tests/system/billing_fixture.h"

#define THREADS 4
#define PATIENTS 6
#define RECENT 100 /* of a walker's invoices, which it chooses among */
#define PAYMENTS 12
#define LINES 5

static const char *const currencies[] = { "USD", "JPY", "KWD" };
static const char *const methods[] = { "CASH", "CARD", "TRANSFER", "CHEQUE", "INSURANCE", "CREDIT" };
#define BY_CREDIT 5

enum state { NEW, OPEN, SETTLED, GONE, GIVEN_UP, GIVEN_BACK };

struct model_payment {
	char id[UUID_SIZE];
	int64_t applied, credited, refunded;
	int method;
	bool bounced;
};

struct model_invoice {
	char id[UUID_SIZE];
	enum state state;
	int patient, currency;
	int64_t amount, paid, credited, refunded;
	bool past_due;
	struct model_payment payments[PAYMENTS];
	int payment_count;
};

struct walker {
	pthread_t thread;
	struct ctx cx;
	uint64_t random;
	int64_t operations, refused;
	char patients[PATIENTS][UUID_SIZE];
	int64_t credit[PATIENTS][3];
	int64_t received[6][3]; /* by method: what came in, less what went out */
	struct model_invoice *invoices;
	int invoice_count, invoices_max;
	char failure[512]; /* "": none */
};

static struct walker walkers[THREADS];
static atomic_bool finished;

/* --- chance --- */

static uint64_t
chance(struct walker *w, uint64_t n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (w->random >> 11) % n;
}

static void __attribute__((format(printf, 2, 3)))
differ(struct walker *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failure[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
}

static int64_t
remaining(const struct model_invoice *i)
{
	return i->state == GONE || i->state == GIVEN_BACK ? 0 : i->amount - i->paid - i->credited;
}

/* The status, but that an open one which is past due may or may not have been found so yet. */
static void
compare_status(struct walker *w, const struct model_invoice *i, const char *status, const char *after)
{
	static const char *const names[] = { "DRAFT", "", "PAID", "VOID", "UNCOLLECTIBLE", "REFUNDED" };
	const char *open = i->paid > 0 ? "PARTIALLY_PAID" : "ISSUED";

	if (i->state != OPEN ? strcmp(status, names[i->state]) != 0 :
			       strcmp(status, open) != 0 && !(i->past_due && strcmp(status, "OVERDUE") == 0))
		differ(w, "after %s invoice %s is %s, not %s", after, i->id, status, i->state == OPEN ? open : names[i->state]);
}

static void
compare_outcome(struct walker *w, const char *what, const struct model_invoice *i, enum rc rc, enum rc due)
{
	w->operations++;
	w->refused += due != RC_OK;
	if (rc != due)
		differ(w, "%s of invoice %s, state %d: %s, not %s (%s; %s)", what, i->id, i->state, rc_meaning(rc)->name,
		    rc_meaning(due)->name, err_message(&w->cx, rc), w->cx.err.detail == NULL ? "" : w->cx.err.detail);
}

/* --- making invoices --- */

static int64_t
rounded_tax(int64_t net, int64_t rate)
{
	__int128 twice = (__int128)net * rate * 2 / 1000000;

	return (int64_t)((twice + 1) / 2);
}

static void
compare_lines(struct walker *w, const struct invoice *asked, const struct invoice *made)
{
	const struct invoice_line *in = asked->lines.rows, *out = made->lines.rows;
	int64_t gross = 0, discount = 0, net = 0, tax = 0;

	if (made->lines.count != asked->lines.count) {
		differ(w, "%zu lines became %zu", asked->lines.count, made->lines.count);
		return;
	}
	for (size_t n = 0; n < made->lines.count; n++)
		gross += in[n].quantity * in[n].unit_price.minor;
	for (size_t n = 0; n < made->lines.count; n++) {
		int64_t own = in[n].quantity * in[n].unit_price.minor;
		__int128 due = gross == 0 ? 0 : (__int128)asked->discount.minor * own / gross;

		discount += out[n].discount.minor;
		net += out[n].net.minor;
		tax += out[n].tax.minor;
		if (out[n].discount.minor < due || out[n].discount.minor > due + 1)
			differ(w, "a line's share of the discount is %" PRId64, out[n].discount.minor);
		if (out[n].net.minor != own - out[n].discount.minor || out[n].tax.minor != rounded_tax(out[n].net.minor, in[n].tax_rate))
			differ(w, "a line's net or tax is wrong: %" PRId64 " %" PRId64, out[n].net.minor, out[n].tax.minor);
	}
	if (discount != asked->discount.minor || net != made->subtotal.minor || tax != made->tax.minor || net + tax != made->amount.minor)
		differ(w, "lines don't add up to the invoice %s", made->id);
}

static void
create(struct walker *w)
{
	static const int64_t rates[] = { 0, 82500, 190000, 200000, 1000000, 1 };
	struct invoice_line lines[LINES] = { 0 };
	struct invoice asked = { 0 }, made;
	struct model_invoice *i;
	int64_t gross = 0;
	enum rc rc;

	if (w->invoice_count == w->invoices_max)
		return;
	i = &w->invoices[w->invoice_count];
	*i = (struct model_invoice){ .patient = (int)chance(w, PATIENTS), .currency = (int)chance(w, 3), .past_due = chance(w, 2) == 0 };
	asked.currency = currencies[i->currency];
	asked.patient_id = w->patients[i->patient];
	asked.draft = chance(w, 4) == 0;
	asked.due_date = i->past_due ? "2020-02-29" : "2099-12-31";
	asked.lines = (struct field_list){ .rows = lines, .count = 1 + (size_t)chance(w, LINES) };
	for (size_t n = 0; n < asked.lines.count; n++) {
		lines[n] = (struct invoice_line){
			.description = "something",
			.quantity = 1 + (int64_t)chance(w, 7),
			.unit_price = { .minor = (int64_t)chance(w, chance(w, 8) == 0 ? 2 : 30000), .known = true },
			.tax_rate = rates[chance(w, 6)],
			.currency = asked.currency,
		};
		gross += lines[n].quantity * lines[n].unit_price.minor;
	}
	if (chance(w, 3) == 0)
		asked.discount = (struct money){ .minor = (int64_t)chance(w, (uint64_t)gross + 1), .known = true };
	rc = invoice_create(&w->cx, &known_patients, &asked, &made);
	compare_outcome(w, "making", i, rc, RC_OK);
	if (rc != RC_OK)
		return;
	compare_lines(w, &asked, &made);
	memcpy(i->id, made.id, UUID_SIZE);
	i->amount = made.amount.minor;
	i->state = asked.draft ? NEW : OPEN;
	w->invoice_count++;
	compare_status(w, i, made.status, "making");
}

static void
issue(struct walker *w, struct model_invoice *i)
{
	struct invoice saved;
	enum rc rc = invoice_issue(&w->cx, &known_patients, i->id, 0, &saved);
	bool again = i->state == OPEN; /* it may be answered as what it is, or refused: both are no change */

	if (again)
		return;
	compare_outcome(w, "issue", i, rc, i->state == NEW ? RC_OK : RC_CONFLICT);
	if (i->state == NEW)
		i->state = OPEN;
}

/* --- money --- */

static void
settle(struct model_invoice *i)
{
	if (i->state == OPEN || i->state == GIVEN_UP || i->state == SETTLED) {
		if (remaining(i) == 0 && i->paid > 0)
			i->state = SETTLED;
		else if (i->state == SETTLED)
			i->state = OPEN;
	}
}

static void
pay(struct walker *w, struct model_invoice *i)
{
	int64_t owed = remaining(i), amount = 1 + (int64_t)chance(w, (uint64_t)(owed + owed / 4 + 2));
	struct payment asked = { .currency = currencies[i->currency], .reference = "r" }, saved;
	struct model_payment *p = &i->payments[i->payment_count];
	int64_t *credit = &w->credit[i->patient][i->currency];
	int method = (int)chance(w, 6);
	enum rc due = RC_OK, rc;

	if (i->payment_count == PAYMENTS)
		return;
	if (chance(w, 3) == 0 && owed > 0)
		amount = owed;
	asked.amount = (struct money){ .minor = amount, .known = true };
	asked.method = methods[method];
	asked.overpayment = chance(w, 2) == 0 ? "credit" : NULL;
	if ((i->state != OPEN && i->state != GIVEN_UP) || (amount > owed && (owed == 0 || asked.overpayment == NULL || method == BY_CREDIT)) ||
	    (method == BY_CREDIT && amount > *credit))
		due = RC_CONFLICT;
	rc = payment_receive(&w->cx, &known_patients, i->id, &asked, &saved);
	compare_outcome(w, "payment", i, rc, due);
	if (rc != RC_OK)
		return;
	*p = (struct model_payment){ .applied = amount < owed ? amount : owed, .credited = amount > owed ? amount - owed : 0, .method = method };
	memcpy(p->id, saved.id, UUID_SIZE);
	i->payment_count++;
	i->paid += p->applied;
	*credit += p->credited - (method == BY_CREDIT ? amount : 0);
	w->received[method][i->currency] += amount;
	settle(i);
	compare_status(w, i, saved.invoice_status, "payment");
	if (saved.remaining_amount.minor != remaining(i) || saved.credited.minor != p->credited)
		differ(w, "after a payment %" PRId64 " remains of %s", saved.remaining_amount.minor, i->id);
}

static void
refund(struct walker *w, struct model_invoice *i)
{
	struct adjustment asked = { .currency = currencies[i->currency], .reason = "returned" }, made;
	struct model_payment *p;
	int64_t left, amount;
	enum rc rc, due;

	if (i->payment_count == 0)
		return;
	p = &i->payments[chance(w, (uint64_t)i->payment_count)];
	left = p->applied - p->refunded;
	amount = chance(w, 2) == 0 && left > 0 ? left : 1 + (int64_t)chance(w, (uint64_t)left + 2);
	asked.amount = (struct money){ .minor = amount, .known = true };
	due = i->state == SETTLED && !p->bounced && amount <= left ? RC_OK : RC_CONFLICT;
	rc = payment_refund(&w->cx, &known_patients, p->id, &asked, &made);
	compare_outcome(w, "refund", i, rc, due);
	if (rc != RC_OK)
		return;
	p->refunded += amount;
	i->refunded += amount;
	w->received[p->method][i->currency] -= amount;
	if (p->method == BY_CREDIT)
		w->credit[i->patient][i->currency] += amount;
	if (i->refunded == i->paid)
		i->state = GIVEN_BACK;
	compare_status(w, i, made.invoice_status, "refund");
}

static void
bounce(struct walker *w, struct model_invoice *i)
{
	struct model_payment *p;
	struct payment saved;
	int64_t *credit, gain;
	enum rc rc, due;

	if (i->payment_count == 0)
		return;
	p = &i->payments[chance(w, (uint64_t)i->payment_count)];
	credit = &w->credit[i->patient][i->currency];
	gain = p->credited - (p->method == BY_CREDIT ? p->applied : 0);
	due = p->bounced || (i->state != GIVEN_BACK && i->state != GONE && p->refunded == 0 && *credit >= gain) ? RC_OK : RC_CONFLICT;
	rc = payment_reverse(&w->cx, &known_patients, p->id, 0, &saved);
	compare_outcome(w, "bounce", i, rc, due);
	if (rc != RC_OK || p->bounced)
		return;
	p->bounced = true;
	i->paid -= p->applied;
	*credit -= gain;
	w->received[p->method][i->currency] -= p->applied + p->credited;
	if (i->state == SETTLED)
		i->state = OPEN;
	compare_status(w, i, saved.invoice_status, "bounce");
}

static void
credit_note(struct walker *w, struct model_invoice *i)
{
	struct adjustment asked = { .currency = currencies[i->currency], .reason = "mistake" }, made;
	int64_t owed = remaining(i), amount = chance(w, 3) == 0 && owed > 0 ? owed : 1 + (int64_t)chance(w, (uint64_t)owed + 2);
	enum rc rc, due = (i->state == OPEN || i->state == GIVEN_UP) && amount <= owed ? RC_OK : RC_CONFLICT;

	asked.amount = (struct money){ .minor = amount, .known = true };
	rc = invoice_credit(&w->cx, &known_patients, i->id, &asked, &made);
	compare_outcome(w, "credit note", i, rc, due);
	if (rc != RC_OK)
		return;
	i->credited += amount;
	if (remaining(i) == 0)
		i->state = i->paid > 0 ? SETTLED : GONE;
	compare_status(w, i, made.invoice_status, "credit note");
}

static void
call_off(struct walker *w, struct model_invoice *i)
{
	bool may = i->state == GONE || ((i->state == OPEN || i->state == GIVEN_UP) && i->paid == 0);
	struct invoice saved;
	enum rc rc = invoice_void(&w->cx, &known_patients, i->id, 0, &saved);

	compare_outcome(w, "void", i, rc, may ? RC_OK : RC_CONFLICT);
	if (may)
		i->state = GONE;
}

static void
write_off(struct walker *w, struct model_invoice *i)
{
	bool may = i->state == OPEN || i->state == GIVEN_UP;
	struct invoice saved;
	enum rc rc = invoice_write_off(&w->cx, &known_patients, i->id, 0, &saved);

	compare_outcome(w, "write-off", i, rc, may ? RC_OK : RC_CONFLICT);
	if (may)
		i->state = GIVEN_UP;
}

static void
step(struct walker *w)
{
	static void (*const what[])(struct walker *w, struct model_invoice *i) = { pay, pay, pay, pay, pay, refund, refund, bounce, credit_note,
		call_off, write_off, issue };
	uint64_t n = chance(w, 60);
	int recent = w->invoice_count < RECENT ? w->invoice_count : RECENT;

	if (w->invoice_count == 0 || n < 8)
		create(w);
	else /* the rarer ends of an invoice's life are to be rarer here too */
		what[n < 52 ? chance(w, 9) : chance(w, 12)](w, &w->invoices[w->invoice_count - 1 - (int)chance(w, (uint64_t)recent)]);
}

/* --- at the end of a walker's invoices, and of all --- */

/* Of one walker's: the first that the tables, or the ledger, say something else of; NULL: none. */
static const char *
first_that_differs(const struct walker *w)
{
	struct buf b = { .arena = super.arena };

	for (int n = 0; n < w->invoice_count; n++) {
		const struct model_invoice *i = &w->invoices[n];
		int64_t left = remaining(i);

		buf_addf(&b, "%s('%s'::uuid, %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %s)", n == 0 ? "" : ",",
		    i->id, i->amount, left, i->paid, i->credited, i->refunded, i->state == NEW ? 0 : left,
		    i->state == OPEN && i->past_due && left > 0 ? "true" : "false");
	}
	return text("select min(m.id::text) from (values %s) as m (id, amount, rest, paid, credited, refunded, owed, overdue)"
		    " left join invoice i on i.id = m.id"
		    " left join lateral (select coalesce(sum(l.amount), 0) as owed from ledger l where l.invoice_id = m.id"
		    " and account in ('RECEIVABLE', 'WRITE_OFF')) l on true"
		    " where (m.amount, m.rest, m.paid, m.credited, m.refunded, m.owed, m.overdue) is distinct from"
		    " (i.amount, i.remaining_amount, i.amount_paid, i.amount_credited, i.amount_refunded, l.owed, i.status = 'OVERDUE')",
	    b.bytes);
}

static void *
walk(void *arg)
{
	struct walker *w = arg;
	int64_t limit = w->operations;

	w->operations = 0;
	while (w->operations < limit && w->failure[0] == '\0') {
		step(w);
		pg_reset(w->cx.pg);
		arena_reset(w->cx.arena);
		ctx_init(&w->cx, w->cx.arena, w->cx.pg);
	}
	return NULL;
}

static void *
number_and_sweep(void *arg)
{
	struct ctx *relay = arg;
	size_t done;

	while (!atomic_load(&finished)) {
		if (invoice_number_next(relay, 50, &done) != RC_OK ||
		    invoice_sweep_overdue(relay, &known_patients, "2026-11-27", 20, &done) != RC_OK)
			return relay->err.detail == NULL ? (void *)(uintptr_t)"failed" : (void *)(uintptr_t)relay->err.detail;
		arena_reset(relay->arena);
		ctx_init(relay, relay->arena, relay->pg);
	}
	return NULL;
}

static void
compare_totals(void)
{
	for (int c = 0; c < 3; c++) {
		for (int m = 0; m < BY_CREDIT; m++) {
			int64_t received = 0;

			for (int t = 0; t < THREADS; t++)
				received += walkers[t].received[m][c];
			ck_assert_int_eq(number("select coalesce(sum(amount), 0) from ledger where account = '%s' and currency = '%s'",
					     methods[m], currencies[c]), received);
		}
		for (int t = 0; t < THREADS; t++)
			for (int p = 0; p < PATIENTS; p++) {
				const char *whose = arena_printf(super.arena, "patient_id = '%s' and currency = '%s'", walkers[t].patients[p],
				    currencies[c]);

				ck_assert_int_eq(number("select coalesce(sum(amount), 0) from patient_credit where %s", whose), walkers[t].credit[p][c]);
				ck_assert_int_eq(number("select coalesce(-sum(amount), 0) from ledger where account = 'CREDIT' and %s", whose),
				    walkers[t].credit[p][c]);
			}
	}
}

/* Sums over everything, which no walk may disturb. */
static void
compare_books(void)
{
	ck_assert_int_eq(number("select count(*) from (select from ledger group by posting having sum(amount) <> 0) p"), 0);
	ck_assert_int_eq(number("select count(*) from invoice i where (status = 'DRAFT') <> (number is null)"), 0);
	ck_assert_int_eq(number("select count(number) - count(distinct number) from invoice"), 0);
	ck_assert_int_eq(number("select count(*) from invoice where number is not null"), number("select sum(last) from invoice_series"));
	/* What an invoice earned and its tax, less what was taken back, is what is owed, or was paid and not refunded. */
	ck_assert_int_eq(
	    number("select count(*) from invoice i join lateral (select coalesce(-sum(amount) filter (where account = 'TAX'), 0) as taxed,"
		   " coalesce(-sum(amount) filter (where account in ('REVENUE', 'TAX')), 0) as earned from ledger where invoice_id = i.id) l on true"
		   " where status <> 'DRAFT' and (earned <> remaining_amount + amount_paid - amount_refunded or taxed < 0 or taxed > i.tax"
		   " or (status in ('VOID', 'REFUNDED') and taxed <> 0)"
		   " or (amount_credited = 0 and amount_refunded = 0 and status <> 'VOID' and taxed <> i.tax))"),
	    0);
}

START_TEST(whatever_is_done_the_books_agree_with_the_model)
{
	const char *operations = getenv("MEDICORE_MONEY_OPERATIONS"), *seed_text = getenv("MEDICORE_MONEY_SEED");
	uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL);
	int64_t each = (operations != NULL ? strtoll(operations, NULL, 10) : 20000) / THREADS, done = 0, refused = 0;
	struct ctx relay;
	pthread_t other;
	size_t numbered;
	void *trouble;

	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	pgtest_connect(&relay, "medicore_billing_relay");
	for (int t = 0; t < THREADS; t++) {
		struct walker *w = &walkers[t];

		*w = (struct walker){ .random = seed * THREADS + (uint64_t)t + 1, .operations = each, .invoices_max = (int)each };
		w->invoices = calloc((size_t)each, sizeof(*w->invoices));
		for (int p = 0; p < PATIENTS; p++)
			uuid_new(w->patients[p]);
		pgtest_connect(&w->cx, "medicore_billing_rest");
		ck_assert_int_eq(pthread_create(&w->thread, NULL, walk, w), 0);
	}
	ck_assert_int_eq(pthread_create(&other, NULL, number_and_sweep, &relay), 0);
	for (int t = 0; t < THREADS; t++)
		pthread_join(walkers[t].thread, NULL);
	atomic_store(&finished, true);
	pthread_join(other, &trouble);
	ck_assert_msg(trouble == NULL, "%s", (const char *)trouble);
	for (int t = 0; t < THREADS; t++) {
		ck_assert_msg(walkers[t].failure[0] == '\0', "seed %" PRIu64 ": %s", seed, walkers[t].failure);
		done += walkers[t].operations;
		refused += walkers[t].refused;
	}
	for (numbered = 1; numbered > 0;)
		ck_assert_int_eq(invoice_number_next(&relay, 1000, &numbered), RC_OK);
	for (size_t n = 1; n > 0;)
		ck_assert_int_eq(invoice_sweep_overdue(&relay, &known_patients, "2026-11-27", 500, &n), RC_OK);
	for (int t = 0; t < THREADS; t++)
		ck_assert_ptr_null(first_that_differs(&walkers[t]));
	compare_totals();
	compare_books();
	printf("%" PRId64 " operations, %" PRId64 " of them refused as they should be\n", done, refused);
	for (int t = 0; t < THREADS; t++) {
		pgtest_disconnect(&walkers[t].cx);
		free(walkers[t].invoices);
	}
	pgtest_disconnect(&relay);
}
END_TEST

/* --- the ledger guards itself --- */

static enum rc
post_by_hand(const char *entries)
{
	static const struct invoice asked = { .patient_id = PATIENT, .amount = { .minor = 100, .known = true }, .currency = "USD" };
	struct invoice made;

	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &made), RC_OK);
	return pg_script(&rest, arena_printf(super.arena,
		"begin; insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id)"
		" select '" NOBODY "', 'PAYMENT', e.account, e.amount, e.currency, patient_id, id from invoice, (values %s) as e (account, amount, currency)"
		" where id = '%s'; commit", entries, made.id));
}

START_TEST(a_transaction_whose_entries_do_not_add_up_is_refused)
{
	static const struct {
		const char *entries;
		bool balances;
	} cases[] = {
		{ "('CASH', 5, 'USD'), ('RECEIVABLE', -5, 'USD')", true },
		{ "('CASH', 5, 'USD'), ('RECEIVABLE', -3, 'USD'), ('CREDIT', -2, 'USD')", true },
		{ "('CASH', 5, 'USD')", false },
		{ "('CASH', 5, 'USD'), ('RECEIVABLE', -4, 'USD')", false },
		{ "('CASH', 5, 'USD'), ('RECEIVABLE', -5, 'EUR')", false },
	};
	enum rc rc = post_by_hand(cases[_i].entries);

	ck_assert_int_eq(rc == RC_OK, cases[_i].balances);
	if (!cases[_i].balances)
		ck_assert_ptr_nonnull(strstr(rest.err.detail, "23514"));
	ck_assert_int_eq(number("select count(*) from ledger where posting = '" NOBODY "'") > 0, cases[_i].balances);
}
END_TEST

START_TEST(nobody_changes_or_takes_away_what_was_posted)
{
	static const char *const roles[] = { "medicore_billing_rest", "medicore_billing_grpc", "medicore_billing_worker", "medicore_billing_relay",
		"medicore_billing_documents", "medicore_operator" };
	static const char *const deeds[] = { "update ledger set amount = 2 * amount", "delete from ledger", "truncate ledger",
		"alter table ledger disable trigger all" };

	for (size_t r = 0; r < COUNT(roles); r++) {
		struct ctx cx;

		pgtest_connect(&cx, roles[r]);
		for (size_t d = 0; d < COUNT(deeds); d++) {
			ck_assert_int_eq(pg_script(&cx, deeds[d]), RC_INTERNAL);
			ck_assert_msg(strstr(cx.err.detail, "42501") != NULL, "%s: %s: %s", roles[r], deeds[d], cx.err.detail);
			err_clear(&cx);
		}
		pgtest_disconnect(&cx);
	}
}
END_TEST

Suite *
money_suite(void)
{
	Suite *suite = suite_create("money");
	TCase *t = tcase_create("model");

	tcase_add_checked_fixture(t, billing_setup, billing_teardown);
	tcase_set_timeout(t, 900);
	tcase_add_test(t, whatever_is_done_the_books_agree_with_the_model);
	tcase_add_loop_test(t, a_transaction_whose_entries_do_not_add_up_is_refused, 0, 5);
	tcase_add_test(t, nobody_changes_or_takes_away_what_was_posted);
	suite_add_tcase(suite, t);
	return suite;
}
