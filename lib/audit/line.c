/* line.c - an entry as a line of text: a version, then every member, parted by tabs. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/audit/audit.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/base/uuid.h"

#define VERSION "1"

/* Room that is left for what comes behind a text: the shorter members are cut at MEMBER_MAX bytes, and the two that may
 * be long come last. */
#define MEMBER_MAX ((size_t)512)
#define ELLIPSIS "\xe2\x80\xa6"

static const size_t texts[] = {
	offsetof(struct audit_entry, account),
	offsetof(struct audit_entry, role),
	offsetof(struct audit_entry, session),
	offsetof(struct audit_entry, address),
	offsetof(struct audit_entry, program),
	offsetof(struct audit_entry, action),
	offsetof(struct audit_entry, patient_id),
	offsetof(struct audit_entry, result),
	offsetof(struct audit_entry, request_id),
	offsetof(struct audit_entry, thing),
	offsetof(struct audit_entry, filter),
};
#define TEXTS (sizeof(texts) / sizeof(*texts))

static const char **
text_at(const struct audit_entry *entry, size_t i)
{
	return (const char **)((uintptr_t)entry + texts[i]);
}

static char
escape_of(char c)
{
	switch (c) {
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\\':
		return '\\';
	default:
		return '\0';
	}
}

/* At most max bytes of text, escaped; whole characters only. */
static size_t
add_text(char *to, const char *text, size_t max)
{
	size_t n = 0, whole = 0; /* whole: what fits together with an ellipsis */
	size_t plain = text == NULL ? 0 : strcspn(text, "\t\n\\");

	/* Nearly always. */
	if (plain <= max && (text == NULL || text[plain] == '\0')) {
		memcpy(to, text == NULL ? "" : text, plain);
		return plain;
	}
	for (; *text != '\0'; text++) {
		char escape = escape_of(*text);
		size_t need = escape != '\0' ? 2 : 1;

		if (((unsigned char)*text & 0xc0) != 0x80 && n + strlen(ELLIPSIS) <= max)
			whole = n;
		if (n + need > max) {
			memcpy(to + whole, ELLIPSIS, strlen(ELLIPSIS));
			return whole + strlen(ELLIPSIS);
		}
		if (escape != '\0')
			to[n++] = '\\';
		to[n++] = escape != '\0' ? escape : *text;
	}
	return n;
}

/* Behind a tab. */
static size_t
add_number(char *to, int64_t n)
{
	*to = '\t';
	return (size_t)(decimal_write(to + 1, n) - to);
}

size_t
audit_line_write(char line[AUDIT_LINE_MAX], const struct audit_entry *entry)
{
	size_t n = strlen(VERSION);

	memcpy(line, VERSION, n);
	n += add_number(line + n, entry->at.us);
	n += add_number(line + n, entry->count);
	for (size_t i = 0; i < TEXTS; i++) {
		/* A '\n' at the end, and a tab before each of those to come. */
		size_t left = AUDIT_LINE_MAX - n - (TEXTS - i) - 1;
		size_t max = i + 2 >= TEXTS ? left / (TEXTS - i) : MEMBER_MAX;

		line[n++] = '\t';
		n += add_text(line + n, *text_at(entry, i), max);
	}
	line[n++] = '\n';
	assert(n <= AUDIT_LINE_MAX);
	return n;
}

/* --- and back --- */

/* Ends the member at *at with a NUL and moves on to the next; NULL where there is none. */
static char *
take_member(char **at, char *end)
{
	char *member = *at, *tab;

	if (member > end)
		return NULL;
	tab = memchr(member, '\t', (size_t)(end - member));
	if (tab == NULL)
		tab = end;
	*tab = '\0';
	*at = tab + 1;
	return member;
}

static bool
take_number(char **at, char *end, int64_t *ret)
{
	char *member = take_member(at, end), *rest, canonical[24];
	long long n;

	if (member == NULL)
		return false;
	n = strtoll(member, &rest, 10);
	snprintf(canonical, sizeof(canonical), "%lld", n);
	*ret = n;
	return strcmp(member, canonical) == 0 && n >= 0 && n <= INT64_C(253402300799999999); /* year 9999 */
}

static bool
unescape(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		if (*text != '\\') {
			*to++ = *text;
			continue;
		}
		switch (*++text) {
		case 't':
			*to++ = '\t';
			break;
		case 'n':
			*to++ = '\n';
			break;
		case '\\':
			*to++ = '\\';
			break;
		default:
			return false;
		}
	}
	*to = '\0';
	return true;
}

static bool
take_text(char **at, char *end, const char **ret)
{
	char *member = take_member(at, end);

	if (member == NULL || !unescape(member))
		return false;
	*ret = *member == '\0' ? NULL : member;
	return true;
}

static bool
uuid_canonical(const char *id)
{
	char again[UUID_SIZE];

	return uuid_parse(id, strlen(id), again) && strcmp(id, again) == 0;
}

bool
audit_line_read(char *line, size_t length, struct audit_entry *ret)
{
	struct audit_entry entry = { .at.known = true };
	char *at = line, *end = line + length, *version;

	if (!utf8_valid(line, length) || memchr(line, '\n', length) != NULL)
		return false;
	version = take_member(&at, end);
	if (version == NULL || strcmp(version, VERSION) != 0 || !take_number(&at, end, &entry.at.us) ||
	    !take_number(&at, end, &entry.count))
		return false;
	for (size_t i = 0; i < TEXTS; i++) {
		const char **text = text_at(&entry, i);

		if (!take_text(&at, end, text) ||
		    (i + 2 < TEXTS && *text != NULL && strlen(*text) > MEMBER_MAX))
			return false;
	}
	if (at <= end || entry.action == NULL || entry.result == NULL)
		return false;
	if (entry.patient_id != NULL && !uuid_canonical(entry.patient_id))
		return false;
	*ret = entry;
	return true;
}
