#include "lib/base/money.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RATE_DECIMALS 4

__extension__ typedef __int128 wide; /* for products of two amounts */

/*
 * ISO 4217, list one: the currencies and funds in use, by their number of decimals.  Codes without a minor unit (gold,
 * XTS, XXX) are no money that anybody could be charged.
 */
static const struct {
	int decimals;
	const char *codes;
} iso_4217[] = {
	{ 0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF" },
	{ 2, "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
	     "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
	     "GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
	     "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD "
	     "PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
	     "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR "
	     "ZMW ZWG" },
	{ 3, "BHD IQD JOD KWD LYD OMR TND" },
	{ 4, "CLF UYW" },
};

int
currency_decimals(const char *currency)
{
	size_t n = strlen(currency);

	for (size_t i = 0; i < n; i++)
		if (currency[i] < 'A' || currency[i] > 'Z')
			return -1;
	if (n != CURRENCY_SIZE - 1)
		return -1;
	for (size_t i = 0; i < sizeof(iso_4217) / sizeof(*iso_4217); i++) {
		/* The codes are parted by spaces and three letters have matched, so it is a whole one. */
		if (strstr(iso_4217[i].codes, currency) != NULL)
			return iso_4217[i].decimals;
	}
	return -1;
}

/* How many digits text begins with. */
static size_t
digits(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

static bool
add_digit(int64_t *minor, char digit)
{
	return !__builtin_mul_overflow(*minor, 10, minor) && !__builtin_add_overflow(*minor, digit - '0', minor);
}

/* A number with at most so many decimals, of which it has all in *ret. */
static enum money_error
decimal_parse(const char *text, size_t length, int decimals, int64_t *ret)
{
	bool negative = length > 0 && text[0] == '-', fits = true, zero = true;
	size_t whole, part = 0;
	int64_t minor = 0;

	if (negative) {
		text++;
		length--;
	}
	whole = digits(text, length);
	if (whole == 0)
		return MONEY_MALFORMED;
	if (whole < length) {
		part = digits(text + whole + 1, length - whole - 1);
		if (text[whole] != '.' || part == 0 || whole + 1 + part != length || part > (size_t)decimals)
			return MONEY_MALFORMED;
	}
	for (size_t i = 0; i < length; i++) {
		if (i == whole)
			continue;
		zero = zero && text[i] == '0';
		fits = fits && add_digit(&minor, text[i]);
	}
	for (size_t i = part; i < (size_t)decimals; i++)
		fits = fits && add_digit(&minor, '0');
	if (negative)
		return zero ? MONEY_MALFORMED : MONEY_NEGATIVE;
	if (!fits)
		return MONEY_RANGE;
	*ret = minor;
	return MONEY_OK;
}

enum money_error
money_parse(const char *text, size_t length, const char *currency, int64_t *ret_minor)
{
	int decimals = currency_decimals(currency);

	assert(decimals >= 0);
	return decimal_parse(text, length, decimals, ret_minor);
}

void
money_format(int64_t minor, const char *currency, char ret_text[MONEY_TEXT_SIZE])
{
	uint64_t rest = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	int decimals = currency_decimals(currency);
	char text[MONEY_TEXT_SIZE], *p = text + sizeof(text);

	assert(decimals >= 0);
	/* Backwards, and on until there is a digit before the point. */
	*--p = '\0';
	for (int i = 0; rest > 0 || i <= decimals; i++) {
		if (i > 0 && i == decimals)
			*--p = '.';
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	}
	if (minor < 0)
		*--p = '-';
	memcpy(ret_text, p, (size_t)(text + sizeof(text) - p));
}

bool
money_add(int64_t a, int64_t b, int64_t *ret_sum)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*ret_sum = sum;
	return true;
}

bool
money_subtract(int64_t a, int64_t b, int64_t *ret_difference)
{
	int64_t difference;

	if (__builtin_sub_overflow(a, b, &difference))
		return false;
	*ret_difference = difference;
	return true;
}

bool
money_multiply(int64_t minor, int64_t quantity, int64_t *ret_product)
{
	int64_t product;

	if (__builtin_mul_overflow(minor, quantity, &product))
		return false;
	*ret_product = product;
	return true;
}

enum money_error
rate_parse(const char *text, size_t length, int64_t *ret_rate)
{
	int64_t rate;
	enum money_error error = decimal_parse(text, length, RATE_DECIMALS, &rate);

	if (error == MONEY_OK && rate > RATE_WHOLE)
		error = MONEY_RANGE;
	if (error == MONEY_OK)
		*ret_rate = rate;
	return error;
}

void
rate_format(int64_t rate, char ret_text[RATE_TEXT_SIZE])
{
	int64_t one = RATE_WHOLE / 100;
	size_t n = (size_t)snprintf(ret_text, RATE_TEXT_SIZE, "%" PRId64 ".%0*" PRId64, rate / one, RATE_DECIMALS, rate % one);

	while (ret_text[n - 1] == '0')
		n--;
	if (ret_text[n - 1] == '.')
		n--;
	ret_text[n] = '\0';
}

bool
money_rate(int64_t minor, int64_t rate, int64_t *ret_part)
{
	wide product = (wide)minor * rate, part = product / RATE_WHOLE, rest = product % RATE_WHOLE;

	/* The quotient was cut towards zero, and the rest has the product's sign. */
	if (rest >= RATE_WHOLE / 2)
		part++;
	else if (rest <= -RATE_WHOLE / 2)
		part--;
	if (part < INT64_MIN || part > INT64_MAX)
		return false;
	*ret_part = (int64_t)part;
	return true;
}

/* A split under way: of total without its sign. */
struct split {
	wide total, all; /* all weights */
	const int64_t *weights;
	size_t n;
	int64_t sign;
};

/* The index of the largest fraction among those that have their share without it, and no more. */
static size_t
largest_fraction(const struct split *s, const int64_t *parts)
{
	wide best = -1;
	size_t at = 0;

	for (size_t i = 0; i < s->n; i++) {
		wide product = s->total * s->weights[i], fraction = product % s->all;

		if (fraction > best && parts[i] * s->sign == product / s->all) {
			best = fraction;
			at = i;
		}
	}
	return at;
}

bool
money_split(int64_t total, const int64_t *weights, size_t n, int64_t *ret_parts)
{
	struct split s = {
		.total = total < 0 ? -(wide)total : total, .weights = weights, .n = n, .sign = total < 0 ? -1 : 1
	};
	wide rest = s.total;

	for (size_t i = 0; i < n; i++) {
		if (weights[i] < 0)
			return false;
		s.all += weights[i];
	}
	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		/* Below 2^63 * 2^63, which is far from 2^127. */
		wide share = s.all != 0 ? s.total * weights[i] / s.all : i == 0 ? s.total : 0;

		ret_parts[i] = (int64_t)(share * s.sign);
		rest -= share;
	}
	for (; rest > 0; rest--)
		ret_parts[largest_fraction(&s, ret_parts)] += s.sign;
	return true;
}
