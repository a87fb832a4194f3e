/* bytes.h - bytes at random, and bytes and numbers as digits, which nobody needs printf for. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_SIZE 21 /* of the longest number, with its sign and the NUL */

/* At most 256, by the kernel.  A child that was forked, and goes on in the same program, would get the same as its parent. */
void random_bytes(void *ret, size_t count);

/* Two digits of lower case for each byte, and a NUL behind them; returns where that is. */
char *hex_write(char *to, const void *bytes, size_t count);

/* n in decimal, and a NUL behind it; returns where that is. */
char *decimal_write(char *to, int64_t n);

/* The last count digits of n, with zeros in front, and no NUL; returns where they end. */
char *digits_write(char *to, uint64_t n, size_t count);

#endif
