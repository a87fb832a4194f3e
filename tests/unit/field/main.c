#include <stdlib.h>

#include "lib/base/config.h"
#include "tests/lib/run_suites.h"
#include "tests/unit/field/suites.h"

int
main(void)
{
	/* Amounts that name no currency take the configured one. */
	setenv("MEDICORE__BILLING__CURRENCY", "USD", 1);
	if (!config_load("/dev/null"))
		return EXIT_FAILURE;
	return run_suites((Suite *[]){
	    format_suite(), json_check_suite(), read_suite(), schema_suite(), sql_suite(), write_suite(),
	    NULL });
}
