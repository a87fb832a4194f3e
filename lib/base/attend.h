/*
 * attend.h - a program's attendant: the one thread that meets its signals, and answers whoever supervises it, while the others work.
 */
#ifndef BASE_ATTEND_H
#define BASE_ATTEND_H

#include <stdbool.h>

/* Before the first thread, of a program that stays: two heaps serve all threads, since each that has its own keeps what it once needed.
 *
 * SIGTERM, SIGINT, SIGUSR1 (how some web servers ask a FastCGI program to stop) and SIGHUP come to attend alone, since
 * threads inherit that. */
void attend_block(void);

struct attendant {
	/* Called twice in a watchdog's time ($WATCHDOG_USEC), and each few seconds where only a status is wanted: whether the program gets on.
	 * It is where the status is told of, too. */
	bool (*alive)(void *closure);
	void *closure;
};

/* Until one of the signals that end it.  SIGHUP reads the settings again (config_reload), and the log says what came of it. */
void attend(const struct attendant *a);

#endif
