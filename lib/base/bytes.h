/* bytes.h - bytes at random, and as digits. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>

/* At most 256, by the kernel. */
void random_bytes(void *ret, size_t count);

/* Two digits of lower case for each byte, and a NUL behind them; returns where that is. */
char *hex_write(char *to, const void *bytes, size_t count);

#endif
