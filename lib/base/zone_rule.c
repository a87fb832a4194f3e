/* zone_rule.c - when clocks change, by a rule that holds for every year. */
#include "lib/base/zone.h"

#include "lib/base/dates.h"

#define HOUR 3600
#define DAY (24 * HOUR)

/* Takes a number of at most max off *text. */
static bool
take_number(const char **text, int max, int *ret)
{
	int n = 0;

	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		n = n * 10 + (**text - '0');
		if (n > max)
			return false;
	}
	*ret = n;
	return true;
}

static bool
take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool
take_time(const char **text, int32_t *ret)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;

	if (**text == '+' || **text == '-')
		(*text)++;
	if (!take_number(text, 167, &hours))
		return false;
	if (take_char(text, ':') && !take_number(text, 59, &minutes))
		return false;
	if (take_char(text, ':') && !take_number(text, 59, &seconds))
		return false;
	*ret = sign * (hours * HOUR + minutes * 60 + seconds);
	return true;
}

/* EST, or anything else between < and >. */
static bool
take_name(const char **text)
{
	const char *s = *text;
	bool quoted = take_char(&s, '<');
	size_t n = 0;

	for (; *s != '\0' && (quoted ? *s != '>' : (*s | 0x20) >= 'a' && (*s | 0x20) <= 'z'); s++)
		n++;
	if (n < 3 || (quoted && !take_char(&s, '>')))
		return false;
	*text = s;
	return true;
}

/* Mm.w.d, Jn or n, and perhaps /time. */
static bool
take_change(const char **text, struct zone_change *c)
{
	bool good;

	*c = (struct zone_change){ .time = 2 * HOUR };
	if (!take_char(text, ','))
		return false;
	if (take_char(text, 'M')) {
		c->kind = DAY_OF_MONTH_WEEK;
		good = take_number(text, 12, &c->month) && c->month > 0 && take_char(text, '.') &&
		       take_number(text, 5, &c->week) && c->week > 0 && take_char(text, '.') &&
		       take_number(text, 6, &c->day);
	} else if (take_char(text, 'J')) {
		c->kind = DAY_WITHOUT_LEAP;
		good = take_number(text, 365, &c->day) && c->day > 0;
	} else {
		c->kind = DAY_OF_YEAR;
		good = take_number(text, 365, &c->day);
	}
	return good && (!take_char(text, '/') || take_time(text, &c->time));
}

bool
zone_rule_parse(const char *text, struct zone_rule *ret)
{
	struct zone_rule rule = { 0 };

	/* POSIX counts what is to be added to reach UTC. */
	if (!take_name(&text) || !take_time(&text, &rule.standard))
		return false;
	rule.standard = -rule.standard;
	rule.changes = *text != '\0';
	if (rule.changes) {
		if (!take_name(&text))
			return false;
		rule.summer = -rule.standard - HOUR;
		if (*text != ',' && !take_time(&text, &rule.summer))
			return false;
		rule.summer = -rule.summer;
		if (!take_change(&text, &rule.start) || !take_change(&text, &rule.end) || *text != '\0')
			return false;
	}
	*ret = rule;
	return true;
}

/* The day, counted from 1970-01-01, on which the clocks change that year. */
static int64_t
change_day(const struct zone_change *c, int year)
{
	int64_t first = day_number(year, 1, 1), day;

	switch (c->kind) {
	case DAY_OF_YEAR:
		return first + c->day;
	case DAY_WITHOUT_LEAP:
		/* February 29th is never counted. */
		return first + c->day - 1 + (c->day > 59 && days_in_month(year, 2) == 29);
	default:
		day = day_number(year, c->month, 1);
		/* 1970-01-01 was a Thursday; the fifth week means the last. */
		day += (c->day - (day + 4) % 7 + 14) % 7 + 7 * (int64_t)(c->week - 1);
		return day < day_number(year, c->month, 1) + days_in_month(year, c->month) ? day : day - 7;
	}
}

int32_t
zone_rule_offset(const struct zone_rule *rule, int64_t at)
{
	int64_t local = at + rule->standard, start, end;
	int year, month, day;
	bool summer;

	if (!rule->changes)
		return rule->standard;
	day_of_number(local / DAY - (local % DAY < 0), &year, &month, &day);
	start = change_day(&rule->start, year) * DAY + rule->start.time - rule->standard;
	end = change_day(&rule->end, year) * DAY + rule->end.time - rule->summer;
	/* South of the equator summer has the year's ends. */
	summer = start < end ? at >= start && at < end : at >= start || at < end;
	return summer ? rule->summer : rule->standard;
}
