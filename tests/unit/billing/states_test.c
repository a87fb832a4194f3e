/* What may become of an invoice: every state, move and amount against the rules as they are written down. */
#include <stdio.h>
#include <string.h>

#include "domain/billing/states.h"
#include "tests/unit/billing/fakes.h"

#define TODAY "2026-11-27"

/* Rows: from; columns: to; both in the order of enum invoice_state. */
static const char *const may_follow[INVOICE_STATES] = {
	/*                 D I p P O V U R */
	[DRAFT] =         "0 1 0 0 0 0 0 0",
	[ISSUED] =        "0 0 1 1 1 1 1 0",
	[PARTIALLY_PAID] = "0 1 0 1 1 0 1 0",
	[PAID] =          "0 1 1 0 1 0 0 1",
	[OVERDUE] =       "0 0 0 1 0 1 1 0",
	[VOID] =          "0 0 0 0 0 0 0 0",
	[UNCOLLECTIBLE] = "0 0 0 1 0 1 0 0",
	[REFUNDED] =      "0 0 0 0 0 0 0 0",
};

START_TEST(table_has_the_steps_of_the_rules_and_no_other)
{
	for (enum invoice_state from = DRAFT; from < INVOICE_STATES; from++)
		for (enum invoice_state to = DRAFT; to < INVOICE_STATES; to++)
			ck_assert_msg(invoice_state_follows(from, to) == (may_follow[from][2 * to] == '1'), "%s to %s",
			    invoice_state_names[from], invoice_state_names[to]);
}
END_TEST

/* The rules once more, in words: what becomes of an invoice of these amounts, or INVOICE_STATES where it may not move so. */
static enum invoice_state
due(enum invoice_state from, enum invoice_move move, int64_t paid, int64_t left, int64_t refunded, bool late)
{
	enum invoice_state open = late && left > 0 ? OVERDUE : paid > 0 ? PARTIALLY_PAID : ISSUED;
	bool owing = from == ISSUED || from == PARTIALLY_PAID || from == OVERDUE;

	switch (move) {
	case MOVE_ISSUE:
		return from == DRAFT ? ISSUED : INVOICE_STATES;
	case MOVE_PAY:
		if (!owing && from != UNCOLLECTIBLE)
			return INVOICE_STATES;
		return left == 0 ? PAID : from == ISSUED ? PARTIALLY_PAID : from;
	case MOVE_OVERDUE:
		return (from == ISSUED || from == PARTIALLY_PAID) && late && left > 0 ? OVERDUE : INVOICE_STATES;
	case MOVE_VOID:
		return from == ISSUED || ((from == OVERDUE || from == UNCOLLECTIBLE) && paid == 0) ? VOID : INVOICE_STATES;
	case MOVE_WRITE_OFF:
		return owing ? UNCOLLECTIBLE : INVOICE_STATES;
	case MOVE_CREDIT:
		if (!owing && from != UNCOLLECTIBLE)
			return INVOICE_STATES;
		if (left > 0)
			return from;
		return from == ISSUED || (from != PARTIALLY_PAID && paid == 0) ? VOID : PAID;
	case MOVE_BOUNCE:
		return from == PAID || from == PARTIALLY_PAID ? open : from == OVERDUE || from == UNCOLLECTIBLE ? from : INVOICE_STATES;
	case MOVE_REFUND:
		return from != PAID ? INVOICE_STATES : refunded == paid ? REFUNDED : PAID;
	default:
		return INVOICE_STATES;
	}
}

static void
walk_one(enum invoice_state from, enum invoice_move move, int64_t paid, int64_t left, int64_t refunded, bool late)
{
	const struct invoice invoice = {
		.status = invoice_state_names[from],
		.due_date = late ? "2026-11-26" : TODAY, /* who pays on the day is in time */
		.amount_paid = { paid, true },
		.remaining_amount = { left, true },
		.amount_refunded = { refunded, true },
	};
	enum invoice_state expected = due(from, move, paid, left, refunded, late), next = INVOICE_STATES;
	enum rc rc = invoice_next_state(&cx, &invoice, move, TODAY, &next);

	ck_assert_msg(rc == (expected == INVOICE_STATES ? RC_CONFLICT : RC_OK) && next == expected,
	    "%s, move %d, paid %d, left %d, refunded %d, late %d: %d, not %d", invoice.status, (int)move, (int)paid, (int)left, (int)refunded,
	    late, (int)next, (int)expected);
	err_clear(&cx);
}

START_TEST(every_state_takes_every_move_as_the_rules_say)
{
	for (enum invoice_state from = DRAFT; from < INVOICE_STATES; from++)
		for (enum invoice_move move = MOVE_ISSUE; move < INVOICE_MOVES; move++)
			for (int n = 0; n < 16; n++)
				walk_one(from, move, n & 1, n >> 1 & 1, n >> 2 & 1, n >> 3 & 1);
}
END_TEST

/* Whether a row of the document's table, or one below it that leaves its first cell empty, has `to` in its second. */
static bool
document_has(FILE *document, const char *from, const char *to)
{
	char line[1024], first[64], wanted[64];
	bool inside = false;

	snprintf(first, sizeof(first), "| `%s` |", from);
	snprintf(wanted, sizeof(wanted), "`%s`", to);
	rewind(document);
	while (fgets(line, sizeof(line), document) != NULL) {
		char *second;

		inside = strncmp(line, first, strlen(first)) == 0 || (inside && strncmp(line, "| | ", 4) == 0);
		second = inside ? strchr(line + 2, '|') : NULL;
		if (second == NULL)
			continue;
		*strchr(second + 1, '|') = '\0';
		if (strstr(second, wanted) != NULL)
			return true;
	}
	return false;
}

START_TEST(document_has_the_steps_of_the_table)
{
	FILE *document = fopen(TOP_SRCDIR "/doc/invoices.md", "r");

	ck_assert_ptr_nonnull(document);
	for (enum invoice_state from = DRAFT; from < INVOICE_STATES; from++)
		for (enum invoice_state to = DRAFT; to < INVOICE_STATES; to++)
			ck_assert_msg(from == to || document_has(document, invoice_state_names[from], invoice_state_names[to]) == invoice_state_follows(from, to),
			    "doc/invoices.md says otherwise of %s to %s", invoice_state_names[from], invoice_state_names[to]);
	fclose(document);
}
END_TEST

START_TEST(refusal_says_which_states_are_possible)
{
	struct invoice invoice = { .status = "OVERDUE", .amount_paid = { 1, true }, .remaining_amount = { 1, true } };
	enum invoice_state next;

	ck_assert_int_eq(invoice_next_state(&cx, &invoice, MOVE_VOID, TODAY, &next), RC_CONFLICT);
	ck_assert_str_eq(err_message(&cx, RC_CONFLICT), "The invoice is OVERDUE, which may only become PAID, VOID, UNCOLLECTIBLE");
	err_clear(&cx);
	invoice.status = "VOID";
	ck_assert_int_eq(invoice_next_state(&cx, &invoice, MOVE_PAY, TODAY, &next), RC_CONFLICT);
	ck_assert_str_eq(err_message(&cx, RC_CONFLICT), "The invoice is VOID, which is final");
}
END_TEST

Suite *
states_suite(void)
{
	Suite *suite = suite_create("states");
	TCase *t = tcase_create("states");

	tcase_add_checked_fixture(t, fakes_setup, fakes_teardown);
	tcase_add_test(t, table_has_the_steps_of_the_rules_and_no_other);
	tcase_add_test(t, every_state_takes_every_move_as_the_rules_say);
	tcase_add_test(t, document_has_the_steps_of_the_table);
	tcase_add_test(t, refusal_says_which_states_are_possible);
	suite_add_tcase(suite, t);
	return suite;
}
