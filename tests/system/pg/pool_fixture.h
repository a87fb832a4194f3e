/* pool_fixture.h - a pool, and fibers that use it as requests do. */
#ifndef POOL_FIXTURE_H
#define POOL_FIXTURE_H

#include "lib/loop/loop.h"
#include "tests/system/pg/pg_test.h"

#define GUESTS_MOST 64

/* A fiber of a test, which stands for a request. */
struct guest {
	struct ctx cx;
	int number;
	int rounds;
	void (*body)(struct guest *g);
};

extern struct loop *loop;
extern struct pg_pool *pool;
extern struct guest guests[GUESTS_MOST];
extern struct fiber_list gate;

extern const struct pg_stmt shared_pid; /* of the lookups' connection */

void pool_setup(void);
void pool_teardown(void);

/* A fiber to be, of the guest with that number. */
void start(int i, void (*body)(struct guest *g));

/* The first count of them, and whoever was started before. */
void run_all(int count, void (*body)(struct guest *g));

/* A lookup's number; the test fails where it fails. */
int64_t ask(struct guest *g, const struct pg_stmt *stmt, int64_t about);

/* One row each time; and 30 times. */
void write_and_find(struct guest *g, int round);
void write_and_find_often(struct guest *g);

extern int64_t seen_pid; /* of the lookups' connection, lately */
void note_shared_pid(struct guest *g);

#endif
