/* library.c - the library's beginning, its end and its words. */
#include <grpc/support/log.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/rpc/internal.h"

/* The library prints lines of its own; they become lines of ours, and only those about errors. */
static void
take_words(gpr_log_func_args *args)
{
	if (args->severity == GPR_LOG_SEVERITY_ERROR)
		log_line(LOG_WARNING, "grpc: %s", args->message);
}

void
rpc_library_begin(void)
{
	sigset_t all, before;

	/* A client polls its connections only while it calls; with this it notices a returning server between
	 * calls too. */
	setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "100", 0);
	gpr_set_log_function(take_words);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	grpc_init();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
rpc_library_end(void)
{
	grpc_shutdown();
}

grpc_arg
rpc_arg(const char *key, int value)
{
	/* The library never writes to the key, for all that its type says. */
	return (grpc_arg){
		.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value = { .integer = value }
	};
}
