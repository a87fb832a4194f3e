#include <stdlib.h>

#include "lib/base/config.h"
#include "tests/lib/run_suites.h"
#include "tests/unit/token/suites.h"

int
main(void)
{
	if (!config_load("/dev/null"))
		return EXIT_FAILURE;
	return run_suites(
	    (Suite *[]){ cache_suite(), ended_suite(), keys_suite(), token_suite(), watch_suite(), NULL });
}
