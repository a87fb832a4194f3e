/* sweep_main.c - `medicore sweep-overdue`: what medicore-relay does each minute, now and here. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "domain/billing/billing.h"
#include "lib/base/config.h"
#include "worker/event_codec.h"

#define AT_ONCE 500

/* Only the relay's role may mark invoices, and what it may is all that is needed. */
#define ROLE "medicore_billing_relay"

int
verb_sweep_overdue(struct cli *cli, int argc, char **argv)
{
	static const struct billing_ports ports = { .encode_invoice = event_encode_invoice };
	struct arena *whole_run = cli->arena;
	size_t marked = AT_ONCE;
	int64_t sum = 0;
	struct ctx cx;
	enum rc rc = RC_OK;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "it takes nothing");
	if (!cli_open(cli, config->database.billing, ROLE, &cx))
		return CLI_FAILED;
	cx.arena = arena_new();
	while (rc == RC_OK && marked == AT_ONCE) {
		arena_reset(cx.arena);
		rc = invoice_sweep_overdue(&cx, &ports, NULL, AT_ONCE, &marked);
		sum += rc == RC_OK ? (int64_t)marked : 0;
	}
	printf("overdue: %" PRId64 "\n", sum);
	if (rc != RC_OK)
		cli_failed(cli, &cx, rc, "can't mark the others");
	arena_free(cx.arena);
	cx.arena = whole_run;
	cli_close(&cx);
	return rc == RC_OK ? CLI_DONE : CLI_FAILED;
}
