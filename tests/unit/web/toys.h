/* toys.h - a program with a route of each kind, and no database. */
#ifndef UNIT_WEB_TOYS_H
#define UNIT_WEB_TOYS_H

#include "lib/web/web.h"
#include "tests/unit/web/fake_engine.h"

#define TOY_ID "019aaaaa-0000-7000-8000-00000000000a"
#define TOY_VERSION 7

extern const struct web_program toys;
extern const struct web_program keyed_toys; /* takes keys, though it has no database */

extern int toys_streamed;         /* rows the last stream's handler wrote */
extern size_t toys_stream_memory; /* bytes its arena grew by between the 100th row and the last */

/* A fixture: `fake` is there for each test. */
extern struct fake *fake;
void toys_setup(void);
void toys_teardown(void);

/* GET uri with one header. */
const struct fake_answer *toys_get(const char *uri, const char *variable, const char *value);

#endif
