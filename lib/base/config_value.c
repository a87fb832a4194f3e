/* config_value.c - a setting's text, checked and put into its place. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config_table.h"
#include "lib/base/money.h"
#include "lib/base/text.h"
#include "lib/base/zone.h"

struct unit {
	const char *name;
	int64_t times;
};

static const struct unit durations[] = { /* in milliseconds */
	{ "ms", 1 }, { "s", 1000 }, { "min", 60 * 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 },
	{ "d", 24 * 3600 * 1000 }, { NULL, 0 },
};

static const struct unit sizes[] = {
	{ "", 1 }, { "B", 1 }, { "KiB", 1024 }, { "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 }, { NULL, 0 },
};

static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

/* Digits, perhaps a blank, and a unit. */
static bool
number_of(const char *text, const struct unit *units, int64_t *ret_value)
{
	char *end;
	long long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0)
		return false;
	if (*end == ' ')
		end++;
	for (; units->name != NULL; units++)
		if (strcmp(end, units->name) == 0)
			return !__builtin_mul_overflow(n, units->times, ret_value);
	return false;
}

static const char *
set_number(struct arena *a, const struct setting *s, const char *text, void *into)
{
	const struct unit *units = s->type == S_INT ? plain : s->type == S_BYTES ? sizes : durations;
	int64_t value;

	if (!number_of(text, units, &value)) {
		if (s->type == S_INT)
			return "a whole number is needed";
		return s->type == S_BYTES ? "a size is needed, like 65536, 64KiB or 1MiB" :
					    "a duration with its unit is needed, like 300ms, 5s, 10min, 12h or 7d";
	}
	if (s->type == S_SECONDS) {
		if (value % 1000 != 0)
			return "whole seconds are needed";
		value /= 1000;
	}
	if (value < s->min || value > s->max)
		return arena_printf(a, "must be between %" PRId64 " and %" PRId64 "%s", s->min, s->max,
		    s->type == S_MS	   ? " ms" :
			s->type == S_SECONDS ? " s" :
			s->type == S_BYTES   ? " bytes" :
					       "");
	if (s->type == S_INT)
		*(int *)into = (int)value;
	else
		*(int64_t *)into = value;
	return NULL;
}

/* Any control character would break the line that --print-config writes, and none is ever meant. */
static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

static bool
is_word_of(const char *words, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		words += strspn(words, ", ");
		if (*words == '\0')
			return false;
		if (strcspn(words, ",") == n && strncmp(words, text, n) == 0)
			return true;
		words += strcspn(words, ",");
	}
	return false;
}

static bool
is_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	int64_t port;

	return colon != NULL && colon != text && strpbrk(text, " \t,") == NULL && number_of(colon + 1, plain, &port) &&
	    port <= 65535;
}

static bool
is_name(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/+-";

	return *text != '\0' && text[strspn(text, allowed)] == '\0';
}

static const char *
check_text(struct arena *a, const struct setting *s, const char *text)
{
	int32_t offset;

	if (!utf8_valid(text, strlen(text)))
		return "not UTF-8";
	if (has_control(text))
		return "control characters have no place in it";
	if (s->type == S_SECRET)
		return *text == '\0' || (int64_t)strlen(text) >= s->min ? NULL :
			arena_printf(a, "must have %lld characters or more", (long long)s->min);
	if (strstr(text, " ;") != NULL)
		return "\" ;\" has no place in it: it begins a comment";
	if (text[strspn(text, " ")] == '\0' && s->min > 0)
		return "must not be empty";
	if (s->type == S_CHOICE && !is_word_of(s->unit, text))
		return arena_printf(a, "must be one of %s", s->unit);
	if (s->type == S_ADDRESS && !is_address(text))
		return "host:port is needed, like 127.0.0.1:9000";
	if (s->type == S_CURRENCY && currency_decimals(text) < 0)
		return "a currency of ISO 4217 is needed, like USD";
	if (s->type == S_ZONE && !zone_offset(text, 0, &offset))
		return "an IANA time zone that this machine knows is needed, like Europe/Berlin";
	if (s->type == S_NAME && !is_name(text))
		return "letters, digits and . _ / + - only";
	return NULL;
}

bool
setting_set(struct arena *a, const struct setting *s, const char *text, struct config *c, const char **ret_why)
{
	void *into = (char *)c + setting_at(s);

	if (s->type == S_INT || s->type == S_BYTES || s->type == S_MS || s->type == S_SECONDS) {
		*ret_why = set_number(a, s, text, into);
	} else {
		*ret_why = check_text(a, s, text);
		if (*ret_why == NULL)
			*(const char **)into = s->type == S_SECRET && *text == '\0' ? NULL : arena_strdup(a, text);
	}
	return *ret_why == NULL;
}
