#include "lib/base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void
random_bytes(void *ret, size_t count)
{
	/* Up to 256 bytes come whole or not at all once the kernel has started (getrandom(2)). */
	if (getrandom(ret, count, 0) != (ssize_t)count) {
		perror("getrandom");
		abort();
	}
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
