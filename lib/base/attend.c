#include "lib/base/attend.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"

/* How often a status is looked after, where nobody asks for more. */
#define STATUS_MS 5000

static void
attended(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGUSR1);
	sigaddset(ret_signals, SIGHUP);
}

void
attend_block(void)
{
	sigset_t signals;

	(void)mallopt(M_ARENA_MAX, 2);
	attended(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* The next signal; 0 once timeout_ms have passed, which 0 never do. */
static int
next_signal(const sigset_t *signals, int timeout_ms)
{
	struct timespec most = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L };
	int sig;

	do
		sig = timeout_ms == 0 ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &most);
	while (sig < 0 && errno == EINTR);
	return sig < 0 ? 0 : sig;
}

static void
log_change(const struct config_change *change)
{
	const char *end;

	for (const char *line = change->wrong; line != NULL && *line != '\0'; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		log_line(LOG_ERROR, "the settings stay as they are: %.*s", (int)(end - line), line);
	}
	if (change->taken != NULL)
		log_line(LOG_INFO, "settings that have changed: %s", change->taken);
	if (change->waiting != NULL)
		log_line(LOG_WARNING, "settings that only a new start will change: %s", change->waiting);
	if (change->wrong == NULL && change->taken == NULL && change->waiting == NULL)
		log_line(LOG_INFO, "no setting has changed");
}

static void
reload(void)
{
	struct arena *a = arena_new();
	struct config_change change;

	notify_reloading();
	config_reload(a, &change);
	log_change(&change); /* by the level that was */
	log_level_set(log_level_named(config->log.level));
	notify_reloaded();
	arena_free(a);
}

void
attend(const struct attendant *a)
{
	int watchdog_ms = notify_watchdog_ms(), every_ms = watchdog_ms;
	sigset_t signals;
	int sig;

	attended(&signals);
	if (notify_wanted() && (every_ms == 0 || every_ms > STATUS_MS))
		every_ms = STATUS_MS;
	do {
		bool alive = every_ms == 0 || a->alive(a->closure);

		if (watchdog_ms != 0 && alive)
			notify_alive();
		(void)malloc_trim(0); /* what a burst took goes back; it holds the heap for less than a millisecond */
		sig = next_signal(&signals, every_ms);
		if (sig == SIGHUP)
			reload();
	} while (sig == 0 || sig == SIGHUP);
	notify_stopping();
}
