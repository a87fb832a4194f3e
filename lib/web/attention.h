/* attention.h - whether a FastCGI program's threads get on, and what its supervisor is told. */
#ifndef WEB_ATTENTION_H
#define WEB_ATTENTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/pulse.h"
#include "lib/web/engine.h"

struct attention {
	struct pulse *pulses; /* of the threads, while they answer */
	int threads;
	char serving[40]; /* what is said while all is well */
	atomic_bool asked_in_vain; /* a request was answered 503 since the database was last looked at */
	struct web_worker prober;
	bool prober_open, away;
};

/* Says that the program serves. */
void attention_begin(struct attention *a, const struct web_program *program);
void attention_end(struct attention *a);

/* attend's: false where no thread can answer any more. */
bool attention_alive(void *attention);

#endif
