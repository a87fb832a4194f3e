/* counts.h - what lib/web counts of requests. */
#ifndef WEB_COUNTS_H
#define WEB_COUNTS_H

#include <stdint.h>

#include "lib/web/request.h"

/* One series for each of the program's routes and what it may answer; between metrics_begin and metrics_open. */
void web_counts_plan(const struct web_program *program);

void web_counts_answer(const struct request *rq, int status, int64_t took_ns);

#endif
