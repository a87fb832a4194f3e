#include "lib/base/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

#define ID_DIGITS (TRACE_ID_SIZE - 1)
#define SPAN_DIGITS (SPAN_ID_SIZE - 1)

/* Where each begins in "00-<32 digits>-<16 digits>-<2 digits>". */
#define AT_ID 3
#define AT_PARENT (AT_ID + ID_DIGITS + 1)
#define AT_FLAGS (AT_PARENT + SPAN_DIGITS + 1)
#define LENGTH (AT_FLAGS + 2)
#define SAMPLED 1

/* Zeros alone, which would be no id, aren't to be expected of 64 random bits. */
void
trace_begin(struct trace *t)
{
	unsigned char b[(ID_DIGITS + SPAN_DIGITS) / 2];

	random_bytes(b, sizeof(b));
	hex_write(t->id, b, ID_DIGITS / 2);
	hex_write(t->span, b + ID_DIGITS / 2, SPAN_DIGITS / 2);
	t->parent[0] = '\0';
	t->sampled = false;
}

/* count digits of lower case. */
static bool
digits(const char *s, size_t count)
{
	return strspn(s, "0123456789abcdef") >= count;
}

static bool
id(const char *s, size_t count)
{
	return digits(s, count) && strspn(s, "0") < count;
}

/* Versions to come may have more behind, after a hyphen (section 3.2.2); ff is none. */
static bool
well_formed(const char *s)
{
	if (strnlen(s, LENGTH) < LENGTH || !digits(s, 2) || strncmp(s, "ff", 2) == 0)
		return false;
	if (s[LENGTH] != '\0' && (strncmp(s, "00", 2) == 0 || s[LENGTH] != '-'))
		return false;
	return s[AT_ID - 1] == '-' && s[AT_PARENT - 1] == '-' && s[AT_FLAGS - 1] == '-' && id(s + AT_ID, ID_DIGITS) &&
	       id(s + AT_PARENT, SPAN_DIGITS) && digits(s + AT_FLAGS, 2);
}

bool
trace_join(struct trace *t, const char *traceparent)
{
	if (traceparent == NULL || !well_formed(traceparent))
		return false;
	memcpy(t->id, traceparent + AT_ID, ID_DIGITS);
	memcpy(t->parent, traceparent + AT_PARENT, SPAN_DIGITS);
	t->parent[SPAN_DIGITS] = '\0';
	t->sampled = (strtoul(traceparent + AT_FLAGS, NULL, 16) & SAMPLED) != 0;
	return true;
}

void
trace_parent(const struct trace *t, char ret_traceparent[TRACEPARENT_SIZE])
{
	snprintf(ret_traceparent, TRACEPARENT_SIZE, "00-%s-%s-%02d", t->id, t->span, t->sampled ? SAMPLED : 0);
}
