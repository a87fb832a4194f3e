/*
 * money.h - amounts as whole numbers of a currency's smallest unit (ISO 4217), never floating point.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CURRENCY_SIZE 4 /* three capitals and the NUL */

/* Text of any amount with sign, 19 digits, point and NUL. */
#define MONEY_TEXT_SIZE 24

struct money {
	int64_t minor; /* smallest units: cents for USD, yen for JPY, fils for KWD */
	bool known;    /* false: nobody said an amount */
};

enum money_error {
	MONEY_OK,
	MONEY_MALFORMED, /* not [0-9]+(\.[0-9]+)?, or more decimals than the currency has */
	MONEY_NEGATIVE,	 /* a well-formed amount behind a minus sign, and not zero */
	MONEY_RANGE,	 /* more than 2^63-1 smallest units */
};

/* Decimals of a currency in ISO 4217 (USD 2, JPY 0, KWD 3), or -1 for a code it doesn't list. */
int currency_decimals(const char *currency);

/* Reads length bytes of text; currency must be one that currency_decimals knows. */
enum money_error money_parse(const char *text, size_t length, const char *currency, int64_t *ret_minor);

/* With exactly the currency's decimals: 8555 of USD is "85.55". */
void money_format(int64_t minor, const char *currency, char ret_text[MONEY_TEXT_SIZE]);

/*
 * Arithmetic.  Each is exact, or rounds once and half away from zero, or returns false, where the result doesn't fit,
 * with nothing stored: never a wrong number.
 */
bool money_add(int64_t a, int64_t b, int64_t *ret_sum);
bool money_subtract(int64_t a, int64_t b, int64_t *ret_difference);
bool money_multiply(int64_t minor, int64_t quantity, int64_t *ret_product);

#define RATE_WHOLE INT64_C(1000000) /* 100 %: rates count 10,000ths of a percent, 8.25 % is 82500 */
#define RATE_TEXT_SIZE 32

/* "8.25", of 0 to 100 percent with at most 4 decimals.  MONEY_RANGE for more than 100. */
enum money_error rate_parse(const char *text, size_t length, int64_t *ret_rate);

/* With no more decimals than it has: "8.25", "20". */
void rate_format(int64_t rate, char ret_text[RATE_TEXT_SIZE]);

/* That rate of minor, rounded to smallest units. */
bool money_rate(int64_t minor, int64_t rate, int64_t *ret_part);

/*
 * Splits total, which may be negative, in proportion to n weights: each gets its share without its fraction, and what is
 * left goes, a smallest unit each, to the largest fractions, of equal ones to the earliest.  So the parts always add up to
 * total, and a weight of 0 gets nothing; where all are 0 the first gets all.  False for n 0 or a negative weight.
 */
bool money_split(int64_t total, const int64_t *weights, size_t n, int64_t *ret_parts);

#endif
