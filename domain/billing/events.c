/* events.c - what becomes of bookings and cancellations: a batch in one transaction, each event exactly
 * once. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "domain/billing/dead_letter_store.h"
#include "domain/billing/events_store.h"
#include "domain/billing/fees.h"
#include "domain/billing/lines.h"
#include "lib/pg/pg.h"

#define CE_ID_MAX 255 /* bytes: an index takes no texts of any length */

static bool
text_fits(const char *s, size_t max)
{
	size_t length;

	if (s == NULL)
		return false;
	length = strlen(s);
	return length > 0 && length <= max && utf8_valid(s, length);
}

static bool
id_fits(const char *s, char ret_id[UUID_SIZE])
{
	return s != NULL && uuid_parse(s, strlen(s), ret_id);
}

/* Nothing that PostgreSQL would refuse may get past this: it would fail the whole batch, again and again. */
static void
judge(struct taken *t, const struct billing_event *e)
{
	*t = (struct taken){ .event = e, .reason = e->rc };
	if (text_fits(e->envelope->id, CE_ID_MAX))
		t->ce_id = e->envelope->id;
	if (t->reason != RC_OK)
		return;
	if (e->kind == BOOKING_ELSE && t->ce_id != NULL)
		return;
	if (t->ce_id == NULL || !id_fits(e->appointment_id, t->appointment_id) ||
	    !id_fits(e->patient_id, t->patient_id))
		t->reason = RC_MALFORMED;
	else if (e->kind == BOOKING_MADE && !text_fits(e->service_code, SERVICE_CODE_MAX * 4))
		t->reason = RC_MALFORMED;
}

/* By ce_id, those without one last. */
static int
compare(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;
	int order;

	if (x->ce_id == NULL || y->ce_id == NULL)
		order = (x->ce_id == NULL) - (y->ce_id == NULL);
	else
		order = strcmp(x->ce_id, y->ce_id);
	if (order != 0)
		return order;
	return (x->position > y->position) - (x->position < y->position);
}

static struct taken *
judge_all(struct ctx *cx, const struct billing_event *events, size_t count)
{
	struct taken *all = arena_zalloc_n(cx->arena, count, sizeof(*all));

	for (size_t i = 0; i < count; i++) {
		judge(&all[i], &events[i]);
		all[i].position = i;
	}
	qsort(all, count, sizeof(*all), compare);
	for (size_t i = 1; i < count; i++)
		all[i].repeated = all[i].ce_id != NULL && strcmp(all[i].ce_id, all[i - 1].ce_id) == 0;
	return all;
}

/* --- patients --- */

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Ids of the bookings' patients, sorted, each once. */
static size_t
patients_of(const struct taken *all, size_t count, const char **ids)
{
	size_t n = 0, unique = 0;

	for (size_t i = 0; i < count; i++)
		if (taken_is(&all[i], BOOKING_MADE))
			ids[n++] = all[i].patient_id;
	qsort(ids, n, sizeof(*ids), compare_text);
	for (size_t i = 0; i < n; i++)
		if (unique == 0 || strcmp(ids[unique - 1], ids[i]) != 0)
			ids[unique++] = ids[i];
	return unique;
}

/* One question for all of them.  Cancellations need none: a patient who has gone may well have cancelled. */
static enum rc
verify_patients(struct ctx *cx, const struct billing_ports *ports, struct taken *all, size_t count)
{
	const char **ids = arena_zalloc_n(cx->arena, count, sizeof(*ids));
	size_t n = patients_of(all, count, ids);
	bool *exist = arena_zalloc_n(cx->arena, n, sizeof(*exist));
	enum rc rc;

	if (n == 0)
		return RC_OK;
	rc = ports->patients_exist(cx, ids, n, exist);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const char *id = all[i].patient_id;
		const char **found;

		if (!taken_is(&all[i], BOOKING_MADE))
			continue;
		found = bsearch(&id, ids, n, sizeof(*ids), compare_text);
		assert(found != NULL);
		if (!exist[found - ids])
			all[i].reason = RC_UNKNOWN_PATIENT;
	}
	return rc;
}

/* --- effects --- */

/* Cancellations first: so a booking meets its own also where both are of one batch, in whichever order.  What has no price for its fee is
 * cancelled all the same: it is parked for the fee alone. */
static enum rc
have_effect(struct ctx *cx, const struct billing_ports *ports, struct taken *all, size_t count, struct billing_tally *tally)
{
	const char *due_date;
	enum rc rc = events_store_cancel(cx, ports, all, count, tally);

	if (rc == RC_OK)
		rc = fees_charge(cx, ports, all, count, tally);
	if (rc == RC_OK)
		rc = invoice_due_date(cx, &due_date);
	return rc == RC_OK ? events_store_invoice(cx, ports, due_date, all, count, tally) : rc;
}

static bool
any_cancelled(const struct taken *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (taken_voids(&all[i]))
			return true;
	return false;
}

static enum rc
take_all(struct ctx *cx, const struct billing_ports *ports, struct taken *all, size_t count, struct billing_tally *tally)
{
	enum rc rc = events_store_lock(cx, any_cancelled(all, count));

	if (rc == RC_OK)
		rc = events_store_receive(cx, all, count);
	if (rc == RC_OK)
		rc = have_effect(cx, ports, all, count, tally);
	if (rc == RC_OK)
		rc = events_store_park(cx, all, count, tally);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		tally->repeated += all[i].repeated;
	return rc;
}

static void
say_outcomes(const struct taken *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (all[i].event->outcome != NULL)
			*all[i].event->outcome =
			    (struct billing_outcome){ .repeated = all[i].repeated, .reason = all[i].reason };
}

enum rc
billing_take(struct ctx *cx, const struct billing_ports *ports, const struct billing_event *events,
    size_t count, struct billing_tally *ret_tally)
{
	struct billing_tally tally = { 0 };
	struct taken *all;
	enum rc rc;

	all = judge_all(cx, events, count);
	rc = verify_patients(cx, ports, all, count);
	if (rc != RC_OK)
		return rc;
	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = pg_end(cx, take_all(cx, ports, all, count, &tally));
	if (rc == RC_OK) {
		*ret_tally = tally;
		say_outcomes(all, count);
	}
	return rc;
}

/* --- once more --- */

static enum rc
settle(struct ctx *cx, const struct billing_ports *ports, int64_t letter, struct taken *t)
{
	struct billing_tally tally = { 0 };
	enum rc rc;

	/* Alone, whatever it is: of several letters in one transaction the first would else have to give
	 * the lock back for the second. */
	rc = events_store_lock(cx, true);
	if (rc == RC_OK)
		rc = have_effect(cx, ports, t, 1, &tally);
	if (rc != RC_OK)
		return rc;
	if (t->reason != RC_OK)
		return dead_letter_store_again(cx, letter, rc_meaning(t->reason)->name);
	rc = dead_letter_store_drop(cx, letter);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc
billing_take_again(struct ctx *cx, const struct billing_ports *ports, const struct dead_letter *letter,
    const struct billing_event *event, bool *ret_gone)
{
	struct taken t;
	enum rc rc;

	judge(&t, event);
	rc = verify_patients(cx, ports, &t, 1);
	if (rc != RC_OK)
		return rc;
	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = pg_end(cx, settle(cx, ports, letter->id, &t));
	if (rc == RC_OK)
		*ret_gone = t.reason == RC_OK;
	return rc;
}
