/*
 * check.c - `medicore check`: has every booking become exactly one invoice, has every invoice its booking, and do the books say so too
 * (check_books.c)?
 *
 * Appointments stream from scheduling in order of id, invoices from billing in order of their appointment, in
 * pages; both go along each other at flat memory.  What doesn't match is looked at more closely, some
 * hundreds at a time, as billing and scheduling go on working meanwhile.  What is wrong for certain is mended (mend.c), where that is
 * asked for.
 */
#include "cli/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/check_books.h"
#include "cli/check_store.h"
#include "cli/mend.h"
#include "lib/base/event.h"
#include "lib/base/text.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

#define PAGE 1000
#define SUSPECTS 500
#define NAMED_MAX 20

/* A booking without invoice, or a cancelled one whose invoice doesn't know. */
struct suspect {
	char appointment_id[UUID_SIZE];
	char event_id[UUID_SIZE]; /* "": the outbox has it no more */
	bool cancellation;
	bool no_show;
	bool beside; /* the cancellation of a booking without invoice, which is a suspect of its own: only to be mended */
	bool waits, young;
};

/* An invoice, of a booking that seems not to be there, or that billing alone takes for cancelled. */
struct stray {
	char id[UUID_SIZE];
	char appointment_id[UUID_SIZE];
	bool cancelled;
};

struct check {
	struct ctx *billing;
	struct ctx *scheduling_too; /* beside the one that streams */
	struct arena *page_arena, *suspect_arena, *stray_arena;
	struct mend *mend; /* NULL: only look */
	struct checked_invoice *page; /* [at, count) is still to come */
	size_t at, count;
	bool last_page;
	struct suspect suspects[SUSPECTS];
	size_t suspect_count;
	struct stray strays[SUSPECTS];
	size_t stray_count;
	int64_t strange, revived;
	char named_strange[NAMED_MAX][UUID_SIZE], named_revived[NAMED_MAX][UUID_SIZE];
	int64_t bookings, invoiced, pending, parked, missing, doubled;
	char named[NAMED_MAX][UUID_SIZE]; /* the first of those missing */
	struct books books;
};

/* --- invoices, one after the other --- */

static enum rc
next_page(struct check *c)
{
	struct checked_invoice after = { 0 };
	char id[UUID_SIZE], appointment_id[UUID_SIZE];
	enum rc rc;

	if (c->count > 0) {
		memcpy(id, c->page[c->count - 1].id, UUID_SIZE);
		memcpy(appointment_id, c->page[c->count - 1].appointment_id, UUID_SIZE);
		after.id = id;
		after.appointment_id = appointment_id;
	}
	arena_reset(c->page_arena);
	c->billing->arena = c->page_arena;
	c->at = 0;
	rc = check_store_invoices(c->billing, &after, PAGE, &c->page, &c->count);
	c->last_page = rc != RC_OK || c->count < PAGE;
	if (rc != RC_OK)
		c->count = 0;
	return rc;
}

/* *ret is NULL behind the last. */
static enum rc
peek(struct check *c, const struct checked_invoice **ret)
{
	enum rc rc = RC_OK;

	if (c->at == c->count && !c->last_page)
		rc = next_page(c);
	*ret = c->at < c->count ? &c->page[c->at] : NULL;
	return rc;
}

/* --- invoices that no booking explains --- */

static enum rc
judge_stray(struct check *c, const struct stray *s, const struct checked_appointment *now)
{
	int64_t *count = now->known ? &c->revived : &c->strange;
	bool mended = false;
	enum rc rc = RC_OK;

	if (now->known && (!s->cancelled || now->cancelled))
		return RC_OK; /* it was booked, or cancelled, a moment ago */
	if (c->mend != NULL && !now->known)
		rc = mend_invoice(c->mend, s->id, s->appointment_id, &mended);
	else if (c->mend != NULL)
		mend_revived(c->mend, s->id, s->appointment_id);
	if (rc == RC_OK && !mended && (*count)++ < NAMED_MAX)
		memcpy(now->known ? c->named_revived[c->revived - 1] : c->named_strange[c->strange - 1], s->id, UUID_SIZE);
	return rc;
}

static enum rc
judge_strays(struct check *c)
{
	struct pg_array ids = PG_ARRAY(c->stray_arena);
	struct checked_appointment *now;
	size_t count;
	enum rc rc;

	for (size_t i = 0; i < c->stray_count; i++)
		pg_array_add(&ids, c->strays[i].appointment_id);
	c->scheduling_too->arena = c->stray_arena;
	rc = check_store_appointments(c->scheduling_too, pg_array_end(&ids), &now, &count);
	for (size_t i = 0; rc == RC_OK && i < count && i < c->stray_count; i++)
		rc = judge_stray(c, &c->strays[i], &now[i]);
	c->stray_count = 0;
	if (rc == RC_OK)
		arena_reset(c->stray_arena);
	return rc;
}

static enum rc
stray(struct check *c, const struct checked_invoice *i, bool cancelled)
{
	struct stray *s = &c->strays[c->stray_count++];

	s->cancelled = cancelled;
	memcpy(s->id, i->id, UUID_SIZE);
	memcpy(s->appointment_id, i->appointment_id, UUID_SIZE);
	return c->stray_count == SUSPECTS ? judge_strays(c) : RC_OK;
}

/* Those behind the last booking. */
static enum rc
stray_rest(struct check *c)
{
	const struct checked_invoice *i;
	enum rc rc;

	while ((rc = peek(c, &i)) == RC_OK && i != NULL) {
		if (!i->closed && (rc = stray(c, i, false)) != RC_OK)
			break;
		c->at++;
	}
	return rc;
}

static enum rc
stray_fees(struct check *c)
{
	char last[UUID_SIZE];
	struct checked_invoice after = { 0 }, *page;
	size_t count = PAGE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && count == PAGE) {
		arena_reset(c->page_arena);
		c->billing->arena = c->page_arena;
		rc = check_store_fees(c->billing, &after, PAGE, &page, &count);
		for (size_t i = 0; rc == RC_OK && i < count; i++)
			if (!page[i].closed)
				rc = stray(c, &page[i], false);
		if (rc == RC_OK && count > 0) {
			memcpy(last, page[count - 1].appointment_id, UUID_SIZE);
			after.appointment_id = last;
		}
	}
	return rc;
}

/* How many invoices this appointment has, and whether they all know that it was cancelled. */
static enum rc
count_invoices(struct check *c, const char *appointment_id, bool cancelled, int64_t *ret_count, bool *ret_settled)
{
	const struct checked_invoice *i;
	enum rc rc;

	*ret_count = 0;
	*ret_settled = true;
	while ((rc = peek(c, &i)) == RC_OK && i != NULL) {
		int order = strcmp(i->appointment_id, appointment_id);

		if (order > 0)
			break;
		if (order < 0 && !i->closed)
			rc = stray(c, i, false);
		if (order == 0) {
			++*ret_count;
			*ret_settled = *ret_settled && i->settled;
			if (i->cancelled && !cancelled)
				rc = stray(c, i, true);
		}
		if (rc != RC_OK)
			break;
		c->at++;
	}
	return rc;
}

/* --- what doesn't match --- */

static enum rc
judge(struct check *c, const struct suspect *s, const struct checked_event *now)
{
	bool mended = false;
	enum rc rc = RC_OK;

	if (s->beside) {
		if (now->settled || now->received || now->parked || s->waits || s->young)
			return RC_OK;
		return mend_event(c->mend, s->appointment_id, s->event_id, true, &mended);
	}
	if (s->cancellation ? now->settled : now->invoiced) {
		c->invoiced++;
		return RC_OK;
	}
	if (now->parked) {
		c->parked++;
		return RC_OK;
	}
	if (s->waits || (s->young && !now->received)) {
		c->pending++;
		return RC_OK;
	}
	if (c->mend != NULL) /* an event that was received has had its effect, whatever became of that: it takes another */
		rc = mend_event(c->mend, s->appointment_id, now->received ? "" : s->event_id, s->cancellation, &mended);
	if (rc == RC_OK && mended)
		c->pending++;
	else if (rc == RC_OK && c->missing++ < NAMED_MAX)
		memcpy(c->named[c->missing - 1], s->appointment_id, UUID_SIZE);
	return rc;
}

static const char *
event_type(const struct suspect *s)
{
	if (!s->cancellation)
		return TYPE_APPOINTMENT_BOOKED;
	return s->no_show ? TYPE_APPOINTMENT_NO_SHOW : TYPE_APPOINTMENT_CANCELLED;
}

static enum rc
judge_suspects(struct check *c)
{
	struct arena *a = c->suspect_arena;
	struct pg_array appointments = PG_ARRAY(a), events = PG_ARRAY(a), types = PG_ARRAY(a);
	struct checked_event *now;
	size_t count;
	enum rc rc;

	for (size_t i = 0; i < c->suspect_count; i++) {
		const struct suspect *s = &c->suspects[i];

		pg_array_add(&appointments, s->appointment_id);
		pg_array_add(&events, s->event_id[0] == '\0' ? NULL : s->event_id);
		pg_array_add(&types, event_type(s));
	}
	c->billing->arena = a;
	rc = check_store_events(c->billing, pg_array_end(&appointments), pg_array_end(&events),
	    pg_array_end(&types), &now, &count);
	for (size_t i = 0; rc == RC_OK && i < count && i < c->suspect_count; i++)
		rc = judge(c, &c->suspects[i], &now[i]);
	c->suspect_count = 0;
	c->billing->arena = c->page_arena;
	if (rc == RC_OK) /* else it holds the words of the failure */
		arena_reset(a);
	return rc;
}

static enum rc
suspect(struct check *c, const struct checked_booking *b, bool cancellation, bool beside)
{
	const char *event_id = cancellation ? b->cancelled_id : b->booked_id;
	const char *state = cancellation ? b->cancelled_state : b->booked_state;
	struct suspect *s = &c->suspects[c->suspect_count++];

	*s = (struct suspect){
		.cancellation = cancellation,
		.beside = beside,
		.no_show = strcmp(b->cancelled_type, TYPE_APPOINTMENT_NO_SHOW) == 0,
	};
	memcpy(s->appointment_id, b->id, UUID_SIZE);
	if (event_id != NULL)
		memcpy(s->event_id, event_id, UUID_SIZE);
	if (state != NULL) {
		s->waits = strcmp(state, EVENT_WAITS) == 0;
		s->young = strcmp(state, EVENT_YOUNG) == 0;
	}
	return c->suspect_count == SUSPECTS ? judge_suspects(c) : RC_OK;
}

static enum rc
check_booking(void *closure, const void *booking)
{
	const struct checked_booking *b = booking;
	struct check *c = closure;
	int64_t invoices;
	bool settled;
	enum rc rc;

	rc = count_invoices(c, b->id, b->cancelled, &invoices, &settled);
	if (rc != RC_OK)
		return rc;
	c->bookings++;
	c->doubled += invoices > 1;
	if (invoices == 0) {
		rc = suspect(c, b, false, false);
		return rc == RC_OK && b->cancelled && c->mend != NULL ? suspect(c, b, true, true) : rc;
	}
	if (b->cancelled && !settled)
		return suspect(c, b, true, false);
	c->invoiced++;
	return RC_OK;
}

/* --- telling --- */

static const char *
amount(struct arena *a, struct money m, const char *currency)
{
	char text[MONEY_TEXT_SIZE];

	money_format(m.minor, currency, text);
	return arena_strdup(a, text);
}

static void
tell_named(const char *what, const char named[NAMED_MAX][UUID_SIZE], int64_t count)
{
	for (int64_t i = 0; i < count && i < NAMED_MAX; i++)
		printf("%s %s\n", what, named[i]);
	if (count > NAMED_MAX)
		printf("%.*s: %" PRId64 " more\n", (int)strcspn(what, ":"), what, count - NAMED_MAX);
}

static void
tell(struct arena *a, const struct check *c, const struct checked_total *totals, size_t count)
{
	printf("bookings %" PRId64 ": invoiced %" PRId64 ", pending %" PRId64 ", parked %" PRId64
	       ", missing %" PRId64 ", doubled %" PRId64 "\n",
	    c->bookings, c->invoiced, c->pending, c->parked, c->missing, c->doubled);
	for (size_t i = 0; i < count; i++) {
		const struct checked_total *t = &totals[i];

		printf("%s %s in %" PRId64 " invoices, %s still to pay; %" PRId64 " void\n", t->currency,
		    amount(a, t->amount, t->currency), t->invoices - t->voided,
		    amount(a, t->remaining_amount, t->currency), t->voided);
	}
	tell_named("missing: appointment", c->named, c->missing);
	if (c->strange > 0 || c->revived > 0)
		printf("invoices of bookings that scheduling doesn't know %" PRId64 ", or doesn't know as cancelled %" PRId64 "\n",
		    c->strange, c->revived);
	tell_named("unknown booking: invoice", c->named_strange, c->strange);
	tell_named("not cancelled there: invoice", c->named_revived, c->revived);
	books_tell(&c->books);
}

static void
tell_json(struct arena *a, const struct check *c, const struct checked_total *totals, size_t count)
{
	printf("{\"bookings\":%" PRId64 ",\"invoiced\":%" PRId64 ",\"pending\":%" PRId64
	       ",\"parked\":%" PRId64 ",\"missing\":%" PRId64 ",\"doubled\":%" PRId64 ",\"unknownBookings\":%" PRId64
	       ",\"notCancelled\":%" PRId64 ",\"totals\":[",
	    c->bookings, c->invoiced, c->pending, c->parked, c->missing, c->doubled, c->strange, c->revived);
	for (size_t i = 0; i < count; i++) {
		const struct checked_total *t = &totals[i];

		printf("%s{\"currency\":\"%s\",\"invoices\":%" PRId64 ",\"amount\":\"%s\","
		       "\"remainingAmount\":\"%s\",\"void\":%" PRId64 "}",
		    i == 0 ? "" : ",", t->currency, t->invoices - t->voided,
		    amount(a, t->amount, t->currency), amount(a, t->remaining_amount, t->currency),
		    t->voided);
	}
	printf("],\"missingAppointments\":[");
	for (int64_t i = 0; i < c->missing && i < NAMED_MAX; i++)
		printf("%s\"%s\"", i == 0 ? "" : ",", c->named[i]);
	putchar(']');
	books_tell_json(&c->books);
	puts("}");
}

/* --- all of it --- */

static enum rc
compare(struct check *c, struct ctx *scheduling, int64_t grace_s)
{
	enum rc rc = check_store_bookings(scheduling, grace_s, check_booking, c);

	if (rc == RC_OK)
		rc = stray_rest(c);
	if (rc == RC_OK)
		rc = stray_fees(c);
	if (rc == RC_OK && c->suspect_count > 0)
		rc = judge_suspects(c);
	return rc == RC_OK && c->stray_count > 0 ? judge_strays(c) : rc;
}

static bool
is_right(const struct check *c)
{
	return c->missing == 0 && c->doubled == 0 && c->strange == 0 && c->revived == 0 && books_right(&c->books);
}

/* Whichever it was that failed. */
static struct ctx *
to_blame(struct checked *w, struct mend *mend)
{
	if (w->billing->err.detail != NULL || w->billing->err.message != NULL)
		return w->billing;
	if (w->scheduling->err.detail != NULL || w->scheduling->err.message != NULL)
		return w->scheduling;
	if (mend != NULL && mend_failed(mend) != NULL)
		return mend_failed(mend);
	return w->scheduling_too;
}

int
check_all(struct cli *cli, struct checked *w, struct mend *mend, bool json, int64_t grace_s)
{
	struct arena *whole_run = w->billing->arena;
	struct check *c = arena_zalloc(cli->arena, sizeof(*c));
	struct checked_total *totals;
	size_t count;
	enum rc rc;

	c->billing = w->billing;
	c->scheduling_too = w->scheduling_too;
	c->mend = mend;
	c->page_arena = arena_new();
	c->suspect_arena = arena_new();
	c->stray_arena = arena_new();
	rc = compare(c, w->scheduling, grace_s);
	w->billing->arena = whole_run;
	if (rc == RC_OK)
		rc = check_store_totals(w->billing, &totals, &count);
	if (rc == RC_OK)
		rc = books_check(w->billing, cli->arena, &c->books);
	if (rc == RC_OK && json)
		tell_json(cli->arena, c, totals, count);
	else if (rc == RC_OK)
		tell(cli->arena, c, totals, count);
	else
		cli_failed(cli, to_blame(w, mend), rc, "can't compare bookings with invoices");
	arena_free(c->page_arena);
	arena_free(c->suspect_arena);
	arena_free(c->stray_arena);
	w->scheduling_too->arena = whole_run;
	return rc == RC_OK && is_right(c) ? CLI_DONE : CLI_FAILED;
}
