#include "lib/base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define STOCK ((size_t)4096)

/* A request takes some here and there, and each question to the kernel costs more than its bytes: so a thread asks for several requests
 * at once.  What was handed out is wiped. */
static _Thread_local struct { /* lint: allow threadlocal: nobody waits with it in hand */
	unsigned char bytes[STOCK];
	size_t left;
} stock;

/* More than 256 bytes may come in pieces, where a signal does (getrandom(2)). */
static void
refill(void)
{
	while (stock.left < STOCK) {
		ssize_t n = getrandom(stock.bytes + stock.left, STOCK - stock.left, 0);

		if (n < 0 && errno != EINTR) {
			perror("getrandom");
			abort();
		}
		stock.left += n > 0 ? (size_t)n : 0;
	}
}

void
random_bytes(void *ret, size_t count)
{
	if (count > stock.left)
		refill();
	stock.left -= count;
	memcpy(ret, stock.bytes + stock.left, count);
	explicit_bzero(stock.bytes + stock.left, count);
}

char *
hex_write(char *to, const void *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;

	for (size_t i = 0; i < count; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	*to = '\0';
	return to;
}

char *
digits_write(char *to, uint64_t n, size_t count)
{
	for (size_t i = count; i > 0; n /= 10)
		to[--i] = (char)('0' + n % 10);
	return to + count;
}

char *
decimal_write(char *to, int64_t n)
{
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n, power = 10;
	size_t count = 1;

	for (; count < 19 && left >= power; power *= 10)
		count++;
	if (n < 0)
		*to++ = '-';
	to = digits_write(to, left, count);
	*to = '\0';
	return to;
}
