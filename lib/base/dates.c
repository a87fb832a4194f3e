#include "lib/base/dates.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (INT64_C(86400) * SECOND_US)

static bool
leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && leap_year(year) ? 29 : days[month - 1];
}

/* Days of all years before, without year 0: January 1st of year 1 has none behind it. */
static int64_t
days_before_year(int year)
{
	int64_t y = year - 1;

	return 365 * y + y / 4 - y / 100 + y / 400;
}

int64_t
day_number(int year, int month, int day)
{
	int64_t n = days_before_year(year) - days_before_year(1970) + day - 1;

	for (int m = 1; m < month; m++)
		n += days_in_month(year, m);
	return n;
}

/* Exactly n digits at text, of which there are length; -1: they are none. */
static int
number(const char *text, size_t length, size_t at, size_t n)
{
	int value = 0;

	if (at + n > length)
		return -1;
	for (size_t i = at; i < at + n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* YYYY-MM-DD at the start of text. */
static bool
parse_date(const char *text, size_t length, int *ret_year, int *ret_month, int *ret_day)
{
	int year = number(text, length, 0, 4), month = number(text, length, 5, 2), day = number(text, length, 8, 2);

	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	if (text[4] != '-' || text[7] != '-')
		return false;
	*ret_year = year;
	*ret_month = month;
	*ret_day = day;
	return true;
}

bool
date_valid(const char *text, size_t length)
{
	int year, month, day;

	return length == DATE_SIZE - 1 && parse_date(text, length, &year, &month, &day);
}

void
date_today(char ret_date[DATE_SIZE])
{
	char now[INSTANT_SIZE];

	instant_format(clock_now_us(), now);
	memcpy(ret_date, now, DATE_SIZE - 1);
	ret_date[DATE_SIZE - 1] = '\0';
}

/* HH:MM:SS and perhaps decimals, at text[at]; ret_end is where the offset begins. */
static bool
parse_time(const char *text, size_t length, size_t at, int64_t *ret_us, size_t *ret_end)
{
	int hour = number(text, length, at, 2), minute = number(text, length, at + 3, 2);
	int second = number(text, length, at + 6, 2);
	int64_t us, weight = SECOND_US;

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (text[at + 2] != ':' || text[at + 5] != ':')
		return false;
	us = ((hour * 60 + minute) * 60 + second) * SECOND_US;
	at += 8;
	if (at < length && text[at] == '.') {
		at++;
		if (number(text, length, at, 1) < 0)
			return false;
		for (; number(text, length, at, 1) >= 0; at++) {
			/* Some write nanoseconds: as long as they are whole microseconds, nothing is lost. */
			weight /= 10;
			if (weight == 0 && text[at] != '0')
				return false;
			us += weight * (text[at] - '0');
		}
	}
	*ret_us = us;
	*ret_end = at;
	return true;
}

/* Z, +HH:MM, or +HH where PostgreSQL writes; to the end of text. */
static bool
parse_offset(const char *text, size_t length, size_t at, bool short_too, int64_t *ret_us)
{
	int hours = number(text, length, at + 1, 2), minutes = 0;
	bool colon;

	if (at + 1 == length && (text[at] == 'Z' || text[at] == 'z')) {
		*ret_us = 0;
		return true;
	}
	colon = at + 6 == length && text[at + 3] == ':';
	if (colon)
		minutes = number(text, length, at + 4, 2);
	else if (!short_too || at + 3 != length)
		return false;
	if ((text[at] != '+' && text[at] != '-') || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*ret_us = (hours * 60 + minutes) * 60 * SECOND_US * (text[at] == '-' ? -1 : 1);
	return true;
}

bool
instant_parse(const char *text, size_t length, struct instant *ret)
{
	int year, month, day;
	int64_t time, offset, us;
	bool spaced;
	size_t at;

	if (length <= DATE_SIZE || !parse_date(text, length, &year, &month, &day))
		return false;
	spaced = text[DATE_SIZE - 1] == ' ';
	if (!spaced && text[DATE_SIZE - 1] != 'T' && text[DATE_SIZE - 1] != 't')
		return false;
	if (!parse_time(text, length, DATE_SIZE, &time, &at) || !parse_offset(text, length, at, spaced, &offset))
		return false;
	us = day_number(year, month, day) * DAY_US + time - offset;
	/* The offset may have led out of the years that can be written. */
	if (us < day_number(1, 1, 1) * DAY_US || us >= (day_number(9999, 12, 31) + 1) * DAY_US)
		return false;
	*ret = (struct instant){ .us = us, .known = true };
	return true;
}

/* By years that begin in March, so that the leap day is their last. */
void
day_of_number(int64_t n, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t since = n + days_before_year(1970) + 306; /* days since 0000-03-01 */
	int64_t era, day, year, month;

	era = (since >= 0 ? since : since - 146096) / 146097; /* of 400 years */
	day = since - era * 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153; /* 0 is March */
	*ret_day = (int)(day - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

/* YYYY-MM-DD; returns where it ends, as the next. */
static char *
write_day(char *to, int year, int month, int day)
{
	to = digits_write(to, (unsigned)year, 4);
	*to++ = '-';
	to = digits_write(to, (unsigned)month, 2);
	*to++ = '-';
	return digits_write(to, (unsigned)day, 2);
}

static char *
write_time(char *to, unsigned seconds)
{
	*to++ = 'T';
	to = digits_write(to, seconds / 3600, 2);
	*to++ = ':';
	to = digits_write(to, seconds / 60 % 60, 2);
	*to++ = ':';
	return digits_write(to, seconds % 60, 2);
}

void
instant_format(int64_t us, char ret_text[INSTANT_SIZE])
{
	int64_t days = us / DAY_US, rest = us % DAY_US;
	int year, month, day, decimals = 6;
	unsigned seconds, part;
	char *to;

	if (rest < 0) {
		days--;
		rest += DAY_US;
	}
	day_of_number(days, &year, &month, &day);
	seconds = (unsigned)(rest / SECOND_US);
	part = (unsigned)(rest % SECOND_US);
	for (; decimals > 0 && part % 10 == 0; decimals--)
		part /= 10;
	to = write_time(write_day(ret_text, year, month, day), seconds);
	if (decimals > 0) {
		*to++ = '.';
		to = digits_write(to, part, (size_t)decimals);
	}
	memcpy(to, "Z", 2);
}

static bool
parse_day(const char *text, int64_t *ret_number)
{
	int year, month, day;

	if (strlen(text) != DATE_SIZE - 1 || !parse_date(text, DATE_SIZE - 1, &year, &month, &day))
		return false;
	*ret_number = day_number(year, month, day);
	return true;
}

/* False for days of no year that can be written. */
static bool
format_day(int64_t number, char ret_date[DATE_SIZE])
{
	int year, month, day;

	if (number < day_number(1, 1, 1) || number > day_number(9999, 12, 31))
		return false;
	day_of_number(number, &year, &month, &day);
	*write_day(ret_date, year, month, day) = '\0';
	return true;
}

bool
date_add_days(const char *date, int64_t days, char ret_date[DATE_SIZE])
{
	int64_t number;

	return parse_day(date, &number) && !__builtin_add_overflow(number, days, &number) &&
	       format_day(number, ret_date);
}

bool
date_days_between(const char *from, const char *to, int64_t *ret_days)
{
	int64_t first, last;

	if (!parse_day(from, &first) || !parse_day(to, &last))
		return false;
	*ret_days = last - first;
	return true;
}
