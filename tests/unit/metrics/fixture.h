/* fixture.h - a directory of counts for one test, and what is read of it. */
#ifndef UNIT_METRICS_FIXTURE_H
#define UNIT_METRICS_FIXTURE_H

#include <stdbool.h>

#include "lib/base/log.h"
#include "lib/base/text.h"

extern char directory[]; /* of this test; all that is in it goes with it */

void fixture_setup(void);
void fixture_teardown(void);

/* What metrics_open had to say to it; "": nothing. */
extern char said[256];
log_fn listen_to;

/* Opens program's table with these groups, and of M_HTTP_REQUESTS and M_HTTP_SECONDS the series route="/toys". */
void open_toys(const char *program, unsigned groups);

const char *path_of(const char *file); /* in directory, until the next call */

/* All that is read, until the next call. */
const char *text(void);

/* Whether it has this line. */
bool has(const char *line);

#endif
