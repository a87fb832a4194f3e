/* metrics.c - `medicore metrics`: what all programs count. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"

int
verb_metrics(struct cli *cli, int argc, char **argv)
{
	struct buf out = { .arena = cli->arena };

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "it takes nothing");
	if (*config->metrics.directory == '\0')
		return cli_error(cli, "[metrics] directory says where programs count", "no directory is set");
	if (!metrics_write(&out, config->metrics.directory))
		return cli_error(cli, "programs make their files there when they start; [metrics] directory says where", "%s: %s",
		    config->metrics.directory, strerror(errno));
	fwrite(out.bytes, 1, out.length, stdout);
	return CLI_DONE;
}
