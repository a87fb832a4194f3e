#include "fcgi/documents/page.h"

#include <string.h>
#include <time.h>

#include "lib/base/config.h"

const char *
page_amount(struct arena *a, int64_t minor, const char *currency)
{
	char text[MONEY_TEXT_SIZE];

	money_format(minor, currency, text);
	return arena_strdup(a, text);
}

/* main.c has made the clinic's time zone the process's. */
const char *
page_day(struct arena *a, struct instant at)
{
	time_t seconds = (time_t)(at.us / 1000000);
	char text[DATE_SIZE];
	struct tm tm;

	if (!at.known || localtime_r(&seconds, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d", &tm) == 0)
		return NULL;
	return arena_strdup(a, text);
}

/* The address's lines are parted by "; ". */
static void
address(struct pdf *pdf, struct arena *a, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, ";");

		if (length > 0)
			pdf_text(pdf, PDF_PLAIN, arena_strndup(a, text, length));
		text += length;
		text += strspn(text, "; ");
	}
}

static void
clinic(struct pdf *pdf, struct arena *a)
{
	pdf_text(pdf, PDF_BOLD, config->clinic.name);
	address(pdf, a, config->clinic.address);
	if (*config->clinic.phone != '\0')
		pdf_text(pdf, PDF_PLAIN, arena_printf(a, "Telephone %s", config->clinic.phone));
	if (*config->clinic.tax_number != '\0')
		pdf_text(pdf, PDF_PLAIN, arena_printf(a, "Tax number %s", config->clinic.tax_number));
}

void
page_head(struct pdf *pdf, const struct document *d, const char *title)
{
	clinic(pdf, d->arena);
	pdf_space(pdf, 24);
	pdf_text(pdf, PDF_TITLE, title);
	pdf_space(pdf, 12);
	if (d->patient.exists) {
		pdf_text(pdf, PDF_PLAIN, d->patient.name);
		pdf_text(pdf, PDF_PLAIN, d->patient.address);
		page_fact(pdf, "Date of birth", d->patient.date_of_birth);
	} else {
		pdf_text(pdf, PDF_BOLD, "Patient no longer on file");
	}
	page_fact(pdf, "Patient", d->patient.id);
	pdf_space(pdf, 12);
}

void
page_fact(struct pdf *pdf, const char *name, const char *value)
{
	static const struct pdf_column columns[] = { { 110, false }, { PDF_WIDTH - 110, false } };

	if (value != NULL && *value != '\0')
		pdf_row(pdf, PDF_PLAIN, columns, 2, (const char *const[]){ name, value });
}

void
page_sum(struct pdf *pdf, enum pdf_style style, const struct document *d, const char *name, int64_t minor, const char *currency)
{
	static const struct pdf_column columns[] = { { PDF_WIDTH - 200, true }, { 200, true } };

	pdf_row(pdf, style, columns, 2,
	    (const char *const[]){ name, arena_printf(d->arena, "%s %s", currency, page_amount(d->arena, minor, currency)) });
}
