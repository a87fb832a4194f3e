/* statement.c - how a patient's balance came about. */
#include <stdlib.h>
#include <string.h>

#include "domain/billing/account_store.h"
#include "domain/billing/report.h"

/* The one of that currency, which begins at nothing where the period finds it new; there is room for it. */
static struct statement_balance *
balance_of(struct statement_balance *balances, size_t *count, const char *currency)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(balances[i].currency, currency) == 0)
			return &balances[i];
	balances[*count] = (struct statement_balance){
		.currency = currency,
		.opening = { .known = true },
		.closing = { .known = true },
	};
	return &balances[(*count)++];
}

static int
by_currency(const void *a, const void *b)
{
	return strcmp(((const struct statement_balance *)a)->currency, ((const struct statement_balance *)b)->currency);
}

/* Each entry's balance; false where one is too large. */
static bool
run_on(struct statement_entry *entries, size_t entry_count, struct statement_balance *balances, size_t *count)
{
	for (size_t i = 0; i < entry_count; i++) {
		struct statement_entry *e = &entries[i];
		struct statement_balance *b = balance_of(balances, count, e->currency);

		if (__builtin_sub_overflow(b->closing.minor, e->credit.minor, &b->closing.minor) ||
		    __builtin_add_overflow(b->closing.minor, e->debit.minor, &b->closing.minor))
			return false;
		e->balance = b->closing;
	}
	return true;
}

static enum rc
run_from(struct ctx *cx, const struct stored_opening *openings, size_t opening_count, struct statement_entry *entries,
    struct statement *statement)
{
	struct statement_balance *balances =
	    arena_zalloc_n(cx->arena, opening_count + statement->entries.count, sizeof(*balances));
	size_t count = 0;

	for (size_t i = 0; i < opening_count; i++) {
		struct statement_balance *b = balance_of(balances, &count, openings[i].currency);

		if (openings[i].too_large)
			return sum_too_large(cx);
		b->opening = b->closing = openings[i].opening;
	}
	if (!run_on(entries, statement->entries.count, balances, &count))
		return sum_too_large(cx);
	qsort(balances, count, sizeof(*balances), by_currency);
	statement->balances = (struct field_list){ .rows = balances, .count = count };
	return RC_OK;
}

enum rc
statement_find(struct ctx *cx, const struct billing_ports *ports, const char *patient_id, const struct period *period,
    struct statement *ret_statement)
{
	struct statement s = { .patient_id = patient_id };
	struct statement_entry *entries;
	struct stored_opening *openings;
	struct period whole;
	size_t count;
	enum rc rc = period_complete(cx, period, &whole);

	if (rc == RC_OK)
		rc = account_verify(cx, ports, patient_id);
	if (rc == RC_OK)
		rc = account_store_opening(cx, patient_id, whole.from, &openings, &count);
	if (rc == RC_OK)
		rc = account_store_entries(
		    cx, patient_id, whole.from, whole.to, STATEMENT_ENTRIES_MAX + 1, &entries, &s.entries.count);
	if (rc == RC_OK && s.entries.count > STATEMENT_ENTRIES_MAX)
		return period_too_long(cx, "entries", STATEMENT_ENTRIES_MAX);
	if (rc == RC_OK)
		rc = run_from(cx, openings, count, entries, &s);
	if (rc != RC_OK)
		return rc;
	s.from = whole.from;
	s.to = whole.to;
	s.entries.rows = entries;
	*ret_statement = s;
	return RC_OK;
}

static void
add_balances(const struct statement *statement, bool closing, struct statement_entry **at)
{
	const struct statement_balance *balances = statement->balances.rows;

	for (size_t i = 0; i < statement->balances.count; i++)
		*(*at)++ = (struct statement_entry){
			.date = closing ? statement->to : statement->from,
			.kind = closing ? "CLOSING" : "OPENING",
			.balance = closing ? balances[i].closing : balances[i].opening,
			.currency = balances[i].currency,
		};
}

void
statement_lines(struct ctx *cx, const struct statement *statement, struct statement_entry **ret_lines, size_t *ret_count)
{
	size_t count = statement->entries.count, all = count + 2 * statement->balances.count;
	struct statement_entry *at = arena_zalloc_n(cx->arena, all, sizeof(*at));

	*ret_lines = at;
	*ret_count = all;
	add_balances(statement, false, &at);
	if (count > 0)
		memcpy(at, statement->entries.rows, count * sizeof(*at));
	at += count;
	add_balances(statement, true, &at);
}
