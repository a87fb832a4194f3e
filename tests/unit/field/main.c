#include <stdlib.h>

#include "lib/base/config.h"
#include "tests/unit/field/suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(format_suite());
	int failed;

	/* Amounts that name no currency take the configured one. */
	setenv("MEDICORE__BILLING__CURRENCY", "USD", 1);
	if (!config_load("/dev/null"))
		return EXIT_FAILURE;
	srunner_add_suite(runner, json_check_suite());
	srunner_add_suite(runner, read_suite());
	srunner_add_suite(runner, schema_suite());
	srunner_add_suite(runner, sql_suite());
	srunner_add_suite(runner, write_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
