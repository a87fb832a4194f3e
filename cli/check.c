/*
 * check.c - `medicore check`: has every booking become exactly one invoice, and do the books say so too (check_books.c)?
 *
 * Appointments stream from scheduling in order of id, invoices from billing in order of their appointment, in
 * pages; both go along each other at flat memory.  What doesn't match is looked at more closely, some
 * hundreds at a time, as billing goes on working meanwhile.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/check_books.h"
#include "cli/check_store.h"
#include "cli/cli.h"
#include "lib/base/config.h"
#include "lib/base/event.h"
#include "lib/base/text.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

#define PAGE 1000
#define SUSPECTS 500
#define NAMED_MAX 20
#define GRACE_S 60
#define GRACE_MAX_S 1000000000

/* A booking without invoice, or a cancelled one whose invoice doesn't know. */
struct suspect {
	char appointment_id[UUID_SIZE];
	char event_id[UUID_SIZE]; /* "": the outbox has it no more */
	bool cancellation;
	bool no_show;
	bool waits, young;
};

struct check {
	struct ctx *billing;
	struct arena *page_arena, *suspect_arena;
	struct checked_invoice *page; /* [at, count) is still to come */
	size_t at, count;
	bool last_page;
	struct suspect suspects[SUSPECTS];
	size_t suspect_count;
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

/* How many invoices this appointment has, and whether they all know that it was cancelled. */
static enum rc
count_invoices(struct check *c, const char *appointment_id, int64_t *ret_count, bool *ret_settled)
{
	const struct checked_invoice *i;
	enum rc rc;

	*ret_count = 0;
	*ret_settled = true;
	while ((rc = peek(c, &i)) == RC_OK && i != NULL) {
		int order = strcmp(i->appointment_id, appointment_id);

		if (order > 0)
			break;
		if (order == 0) {
			++*ret_count;
			*ret_settled = *ret_settled && i->settled;
		}
		c->at++;
	}
	return rc;
}

/* --- what doesn't match --- */

static void
judge(struct check *c, const struct suspect *s, const struct checked_event *now)
{
	if (s->cancellation ? now->settled : now->invoiced)
		c->invoiced++;
	else if (now->parked)
		c->parked++;
	else if (s->waits || (s->young && !now->received))
		c->pending++;
	else if (c->missing++ < NAMED_MAX)
		memcpy(c->named[c->missing - 1], s->appointment_id, UUID_SIZE);
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
		judge(c, &c->suspects[i], &now[i]);
	c->suspect_count = 0;
	c->billing->arena = c->page_arena;
	if (rc == RC_OK) /* else it holds the words of the failure */
		arena_reset(a);
	return rc;
}

static enum rc
suspect(struct check *c, const struct checked_booking *b, bool cancellation)
{
	const char *event_id = cancellation ? b->cancelled_id : b->booked_id;
	const char *state = cancellation ? b->cancelled_state : b->booked_state;
	struct suspect *s = &c->suspects[c->suspect_count++];

	*s = (struct suspect){
		.cancellation = cancellation,
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

	rc = count_invoices(c, b->id, &invoices, &settled);
	if (rc != RC_OK)
		return rc;
	c->bookings++;
	c->doubled += invoices > 1;
	if (invoices == 0)
		return suspect(c, b, false);
	if (b->cancelled && !settled)
		return suspect(c, b, true);
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
	for (int64_t i = 0; i < c->missing && i < NAMED_MAX; i++)
		printf("missing: appointment %s\n", c->named[i]);
	if (c->missing > NAMED_MAX)
		printf("missing: %" PRId64 " more\n", c->missing - NAMED_MAX);
	books_tell(&c->books);
}

static void
tell_json(struct arena *a, const struct check *c, const struct checked_total *totals, size_t count)
{
	printf("{\"bookings\":%" PRId64 ",\"invoiced\":%" PRId64 ",\"pending\":%" PRId64
	       ",\"parked\":%" PRId64 ",\"missing\":%" PRId64 ",\"doubled\":%" PRId64 ",\"totals\":[",
	    c->bookings, c->invoiced, c->pending, c->parked, c->missing, c->doubled);
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

/* --- the verb --- */

static bool
options(int argc, char **argv, bool *ret_json, int64_t *ret_grace_s)
{
	*ret_json = false;
	*ret_grace_s = GRACE_S;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			*ret_json = true;
		} else if (strcmp(argv[i], "--grace") == 0 && i + 1 < argc) {
			if (!cli_number(argv[++i], GRACE_MAX_S, ret_grace_s))
				return false;
		} else {
			return false;
		}
	}
	return true;
}

static int
check_all(struct cli *cli, struct ctx *scheduling, struct ctx *billing, bool json, int64_t grace_s)
{
	struct arena *whole_run = billing->arena;
	struct check *c = arena_zalloc(cli->arena, sizeof(*c));
	struct checked_total *totals;
	size_t count;
	enum rc rc;

	c->billing = billing;
	c->page_arena = arena_new();
	c->suspect_arena = arena_new();
	rc = check_store_bookings(scheduling, grace_s, check_booking, c);
	if (rc == RC_OK && c->suspect_count > 0)
		rc = judge_suspects(c);
	billing->arena = whole_run;
	if (rc == RC_OK)
		rc = check_store_totals(billing, &totals, &count);
	if (rc == RC_OK)
		rc = books_check(billing, cli->arena, &c->books);
	if (rc == RC_OK && json)
		tell_json(cli->arena, c, totals, count);
	else if (rc == RC_OK)
		tell(cli->arena, c, totals, count);
	else
		cli_failed(cli, billing->err.detail != NULL ? billing : scheduling, rc,
		    "can't compare bookings with invoices");
	arena_free(c->page_arena);
	arena_free(c->suspect_arena);
	return rc != RC_OK || c->missing > 0 || c->doubled > 0 || !books_right(&c->books) ? CLI_FAILED : CLI_DONE;
}

int
verb_check(struct cli *cli, int argc, char **argv)
{
	struct ctx scheduling, billing;
	int64_t grace_s;
	int status;
	bool json;

	if (!options(argc, argv, &json, &grace_s))
		return cli_usage(cli, "that is not what it takes");
	if (!cli_open(cli, config->database.scheduling, CLI_OPERATOR, &scheduling))
		return CLI_FAILED;
	if (!cli_open(cli, config->database.billing, CLI_OPERATOR, &billing)) {
		cli_close(&scheduling);
		return CLI_FAILED;
	}
	status = check_all(cli, &scheduling, &billing, json, grace_s);
	cli_close(&billing);
	cli_close(&scheduling);
	return status;
}
