/* check.h - the comparison behind `medicore check`, for check_main.c. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"

struct mend;

/* The databases that are compared, each as the operator. */
struct checked {
	struct ctx *scheduling;     /* streams */
	struct ctx *scheduling_too; /* is asked meanwhile */
	struct ctx *billing;
};

/* Compares, tells on standard output, and mends by mend on the way (NULL: doesn't).  CLI_FAILED where anything is wrong and wasn't mended. */
int check_all(struct cli *cli, struct checked *w, struct mend *mend, bool json, int64_t grace_s);

#endif
