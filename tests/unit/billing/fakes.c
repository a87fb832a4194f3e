#include "tests/unit/billing/fakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/billing/dead_letter_store.h"
#include "domain/billing/events_store.h"
#include "domain/billing/fee_store.h"
#include "domain/billing/invoice_store.h"
#include "domain/billing/ledger_store.h"
#include "domain/billing/service_store.h"
#include "lib/base/config.h"
#include "lib/outbox/outbox.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"
#include "tests/lib/run_suites.h"

struct ctx cx;
char asked_for[4096];
const char *failing, *in_inbox, *unpriced;
enum rc failure;
struct service stored_service, last_service, *price_list;
size_t price_list_length;
struct invoice stored_invoice;

void
fakes_setup(void)
{
	ck_assert(config_load("/dev/null"));
	ctx_init(&cx, arena_new(), NULL);
	asked_for[0] = '\0';
	ck_assert(config_load("/dev/null"));
	failing = "";
	in_inbox = unpriced = NULL;
	price_list = NULL;
	price_list_length = 0;
	stored_invoice = (struct invoice){ 0 };
}

void
fakes_teardown(void)
{
	arena_free(cx.arena);
}

static enum rc __attribute__((format(printf, 2, 3))) note(const char *name, const char *fmt, ...)
{
	size_t n = strlen(asked_for);
	va_list ap;

	n += (size_t)snprintf(asked_for + n, sizeof(asked_for) - n, "%s%s", n == 0 ? "" : " ", name);
	va_start(ap, fmt);
	vsnprintf(asked_for + n, sizeof(asked_for) - n, fmt, ap);
	va_end(ap);
	return strcmp(failing, name) == 0 ? failure : RC_OK;
}

/* The events that are still to be dealt with, as "(a,b)". */
static const char *
ids(const struct taken *all, size_t count, bool (*wanted)(const struct taken *t))
{
	struct buf b = { .arena = cx.arena };

	buf_add_char(&b, '(');
	for (size_t i = 0; i < count; i++)
		if (wanted(&all[i]))
			buf_addf(
			    &b, "%s%s", b.length == 1 ? "" : ",", all[i].ce_id == NULL ? "-" : all[i].ce_id);
	buf_add_char(&b, ')');
	return b.bytes;
}

/* --- the patient service --- */

static enum rc
exist(struct ctx *asking, const char *const *patients, size_t count, bool *ret_exist)
{
	struct buf b = { .arena = asking->arena };

	for (size_t i = 0; i < count; i++) {
		ret_exist[i] = strcmp(patients[i], NOBODY) != 0;
		buf_addf(&b, "%s%s", i == 0 ? "" : ",", patients[i] + 35); /* its last digit */
	}
	return note("verify", "(%s)", b.bytes);
}

static enum rc
encode(struct ctx *asking, const struct invoice *invoice, struct field_bytes *ret_payload)
{
	(void)asking;
	*ret_payload = (struct field_bytes){ .bytes = invoice->status, .length = strlen(invoice->status) };
	return RC_OK;
}

const struct billing_ports ports = { .patients_exist = exist, .encode_invoice = encode };

/* --- the books, and who hears of them --- */

enum rc
ledger_store_post(struct ctx *asking, const struct posting *p)
{
	int64_t sum = 0;

	(void)asking;
	for (size_t i = 0; i < p->count; i++)
		sum += p->entries[i].minor;
	ck_assert_int_eq(sum, 0);
	return note("post", "(%s,%d)", p->kind, (int)p->count);
}

enum rc
ledger_store_revenue(struct ctx *asking, const char *invoice_id, struct revenue **ret_revenue, size_t *ret_count)
{
	(void)asking;
	(void)invoice_id;
	*ret_revenue = NULL;
	*ret_count = 0;
	return note("revenue", "%s", "");
}

enum rc
outbox_insert(struct ctx *asking, const struct outbox_row *rows, size_t count)
{
	(void)asking;
	return note("tell", "(%s,%d)", rows[0].type, (int)count);
}

/* --- transactions --- */

enum rc
pg_begin(struct ctx *asking)
{
	(void)asking;
	return note("begin", "%s", "");
}

enum rc
pg_end(struct ctx *asking, enum rc rc)
{
	enum rc end = note(rc == RC_OK ? "commit" : "rollback", "%s", "");

	(void)asking;
	return rc == RC_OK ? end : rc;
}

/* --- events --- */

static bool
fresh(const struct taken *t)
{
	return !t->repeated && t->ce_id != NULL;
}

static bool
is_cancellation(const struct taken *t)
{
	return taken_voids(t);
}

static bool
is_booking(const struct taken *t)
{
	return taken_is(t, BOOKING_MADE);
}

static bool
is_parked(const struct taken *t)
{
	return !t->repeated && t->reason != RC_OK;
}

enum rc
events_store_lock(struct ctx *asking, bool alone)
{
	(void)asking;
	return note(alone ? "lock_alone" : "lock_shared", "%s", "");
}

enum rc
events_store_receive(struct ctx *asking, struct taken *all, size_t count)
{
	enum rc rc = note("receive", "%s", ids(all, count, fresh));

	(void)asking;
	for (size_t i = 0; i < count; i++)
		if (in_inbox != NULL && all[i].ce_id != NULL && strcmp(all[i].ce_id, in_inbox) == 0)
			all[i].repeated = true;
	return rc;
}

enum rc
events_store_cancel(struct ctx *asking, const struct billing_ports *asked, const struct taken *all, size_t count,
    struct billing_tally *tally)
{
	(void)asking;
	(void)asked;
	tally->voided = 7;
	return note("cancel", "%s", ids(all, count, is_cancellation));
}

enum rc
fee_store_charged(struct ctx *asking, const char *appointment_id, bool *ret_charged)
{
	(void)asking;
	*ret_charged = false;
	return note("charged", "(%s)", appointment_id + 35);
}

enum rc
fee_store_insert(struct ctx *asking, const char *appointment_id, const char *invoice_id)
{
	(void)asking;
	(void)invoice_id;
	return note("fee", "(%s)", appointment_id + 35);
}

enum rc
events_store_invoice(struct ctx *asking, const struct billing_ports *asked, const char *due_date, struct taken *all,
    size_t count, struct billing_tally *tally)
{
	enum rc rc = note("invoice", "%s", ids(all, count, is_booking));

	(void)asking;
	(void)asked;
	(void)due_date;
	(void)tally;
	for (size_t i = 0; i < count; i++)
		if (is_booking(&all[i]) && unpriced != NULL &&
		    strcmp(all[i].event->service_code, unpriced) == 0)
			all[i].reason = RC_NO_PRICE;
	return rc;
}

enum rc
events_store_park(struct ctx *asking, const struct taken *all, size_t count, struct billing_tally *tally)
{
	(void)asking;
	(void)tally;
	return note("park", "%s", ids(all, count, is_parked));
}

enum rc
dead_letter_store_again(struct ctx *asking, int64_t id, const char *reason)
{
	(void)asking;
	return note("again", "(%d,%s)", (int)id, reason);
}

enum rc
dead_letter_store_drop(struct ctx *asking, int64_t id)
{
	(void)asking;
	return note("drop", "(%d)", (int)id);
}

/* --- invoices --- */

/* Of each its state, how many entries are posted, and its event. */
enum rc
invoice_store_insert(struct ctx *asking, const struct invoice_new *all, size_t count, struct invoices_made *ret_made)
{
	struct buf b = { .arena = asking->arena };

	for (size_t i = 0; i < count; i++)
		buf_addf(&b, "%s%s,%zu,%s", i > 0 ? ";" : "", all[i].invoice->status, all[i].posting != NULL ? all[i].posting->count : 0,
		    all[i].event != NULL ? all[i].event->type : "-");
	*ret_made = (struct invoices_made){ .at = { .us = 1, .known = true } };
	return note(count > 1 ? "insert together" : "insert", "(%s)", b.bytes);
}

enum rc
invoice_store_find(struct ctx *asking, const char *id, struct invoice *ret_invoice)
{
	(void)asking;
	*ret_invoice = stored_invoice;
	ret_invoice->id = id;
	return note("find", "%s", "");
}

enum rc
invoice_store_lock(struct ctx *asking, const char *id, struct invoice *ret_invoice)
{
	(void)asking;
	*ret_invoice = stored_invoice;
	ret_invoice->id = id;
	return note("lock", "%s", "");
}

enum rc
invoice_store_replace(struct ctx *asking, const struct invoice *invoice, struct invoice *ret_saved)
{
	(void)asking;
	*ret_saved = *invoice;
	return note("replace", "%s", "");
}

enum rc
invoice_store_issue(struct ctx *asking, const struct invoice *invoice, struct invoice *ret_saved)
{
	(void)asking;
	*ret_saved = *invoice;
	ret_saved->status = "ISSUED";
	return note("issue", "%s", "");
}

enum rc
invoice_store_list(struct ctx *asking, const struct invoice_filter *filter, const char *after, int64_t limit,
    struct invoice **ret_invoices, size_t *ret_count)
{
	(void)asking;
	(void)filter;
	*ret_invoices = NULL;
	*ret_count = (size_t)limit;
	return note("list", "(%s,%d)", after == NULL ? "-" : after, (int)limit);
}

/* --- services --- */

enum rc
service_store_put(struct ctx *asking, const struct service *s, struct service *ret_saved)
{
	(void)asking;
	last_service = *s;
	*ret_saved = stored_service;
	return note("put", "%s", "");
}

enum rc
service_store_replace(struct ctx *asking, const struct service *s, struct service *ret_saved)
{
	(void)asking;
	*ret_saved = stored_service;
	return note("replace", "(%d)", (int)s->version);
}

enum rc
service_store_find(struct ctx *asking, const char *code, struct service *ret_service)
{
	(void)asking;
	*ret_service = stored_service;
	return note("find_service", "(%s)", code);
}

enum rc
service_store_find_all(struct ctx *asking, const char *const *codes, size_t count, struct service **ret_services,
    size_t *ret_count)
{
	(void)asking;
	*ret_services = price_list;
	*ret_count = price_list_length;
	return note("find_services", "(%s,%d)", codes[0], (int)count);
}

enum rc
service_store_list(
    struct ctx *asking, const char *after, int64_t limit, struct service **ret_services, size_t *ret_count)
{
	(void)asking;
	*ret_services = NULL;
	*ret_count = (size_t)limit - 1;
	return note("list_services", "(%s,%d)", after, (int)limit);
}

int
main(void)
{
	return run_suites((Suite *[]){ events_suite(), invoices_suite(), lines_suite(), states_suite(), NULL });
}
