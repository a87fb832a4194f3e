/*
 * dates.h - calendar dates as YYYY-MM-DD and instants as RFC 3339, both of the proleptic Gregorian
 * calendar, years 0001 to 9999.
 */
#ifndef BASE_DATES_H
#define BASE_DATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATE_SIZE 11	/* YYYY-MM-DD and the NUL */
#define INSTANT_SIZE 28 /* YYYY-MM-DDTHH:MM:SS.ffffffZ and the NUL */

/* A point in time, in microseconds since 1970-01-01T00:00:00Z, as PostgreSQL keeps it. */
struct instant {
	int64_t us;
	bool known; /* false: nobody said one */
};

/* True for exactly YYYY-MM-DD naming a day that exists.  Such texts sort as the days do. */
bool date_valid(const char *text, size_t length);

void date_today(char ret_date[DATE_SIZE]); /* in UTC */

/* ret_date may be date itself.  False where date is none, or the day's year isn't 1 to 9999. */
bool date_add_days(const char *date, int64_t days, char ret_date[DATE_SIZE]);
bool date_days_between(const char *from, const char *to, int64_t *ret_days); /* negative where to is earlier */

/* Days since 1970-01-01, and the day that they count to. */
int64_t day_number(int year, int month, int day);
void day_of_number(int64_t n, int *ret_year, int *ret_month, int *ret_day);
int days_in_month(int year, int month);

/* RFC 3339 with its mandatory offset, a lower or upper case T and Z, up to 6 decimals (then zeros only: others
 * would be lost), second 60 refused.  Also takes PostgreSQL's own "2026-11-01 04:58:59.5+00". */
bool instant_parse(const char *text, size_t length, struct instant *ret);

/* In UTC, with as many of six decimals as are needed: "2026-11-01T04:58:59Z". */
void instant_format(int64_t us, char ret_text[INSTANT_SIZE]);

#endif
