/* field_csv.c - rows of a table as comma-separated values (RFC 4180), for spreadsheets. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/field/member.h"

static bool
is_column(const struct field *row)
{
	return (row->use & REPLY) != 0 && row->type != F_LIST && row->type != F_GROUP && row->type != F_BYTES;
}

/* [-]digits[.digits]: what a spreadsheet takes for a number, and for nothing else. */
static bool
is_number(const char *text)
{
	size_t n = strspn(text += *text == '-', "0123456789");

	if (n > 0 && text[n] == '.' && text[n + 1] != '\0') {
		text += n + 1;
		n = strspn(text, "0123456789");
	}
	return n > 0 && text[n] == '\0';
}

/* A spreadsheet takes a cell that begins so for a formula and runs it; behind an apostrophe it is text. */
static bool
would_run(const char *text)
{
	return *text != '\0' && strchr("=+-@\t\r\n", *text) != NULL && !is_number(text);
}

static void
add_cell(struct buf *b, const char *text)
{
	bool quoted = strpbrk(text, "\",\r\n") != NULL;

	if (quoted)
		buf_add_char(b, '"');
	if (would_run(text))
		buf_add_char(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_add_char(b, '"');
		buf_add_char(b, *text);
	}
	if (quoted)
		buf_add_char(b, '"');
}

static void
add_value(struct buf *b, const struct field *table, const struct field *row, const void *from)
{
	const void *at = member_const(row, from);
	const char *currency;
	char text[MONEY_TEXT_SIZE > RATE_TEXT_SIZE ? MONEY_TEXT_SIZE : RATE_TEXT_SIZE];

	switch (row->type) {
	case F_INSTANT:
		instant_format(((const struct instant *)at)->us, text);
		break;
	case F_MONEY:
		currency = member_currency(table, row, from);
		money_format(((const struct money *)at)->minor, currency != NULL ? currency : config->billing.currency, text);
		break;
	case F_COUNT:
	case F_INT:
		buf_addf(b, "%" PRId64, *(const int64_t *)at);
		return;
	case F_BOOL:
		buf_add_text(b, *(const bool *)at ? "true" : "false");
		return;
	case F_SWITCH:
		buf_add_text(b, *(const enum field_switch *)at == SWITCH_ON ? "true" : "false");
		return;
	case F_RATE:
		rate_format(*(const int64_t *)at, text);
		break;
	default:
		add_cell(b, *(const char *const *)at);
		return;
	}
	buf_add_text(b, text);
}

void
field_csv_head(struct buf *b, const struct field *table)
{
	const char *before = "";

	for (const struct field *row = table; row->name != NULL; row++) {
		if (!is_column(row))
			continue;
		buf_add_text(b, before);
		add_cell(b, row->name);
		before = ",";
	}
	buf_add_text(b, "\r\n");
}

void
field_csv(struct buf *b, const struct field *table, const void *from)
{
	const char *before = "";

	for (const struct field *row = table; row->name != NULL; row++) {
		if (!is_column(row))
			continue;
		buf_add_text(b, before);
		if (!member_absent(row, from))
			add_value(b, table, row, from);
		before = ",";
	}
	buf_add_text(b, "\r\n");
}
