#include <stdlib.h>

#include "tests/unit/base/suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(arena_suite());
	int failed;

	srunner_add_suite(runner, config_suite());
	srunner_add_suite(runner, ctx_suite());
	srunner_add_suite(runner, dates_suite());
	srunner_add_suite(runner, log_suite());
	srunner_add_suite(runner, money_suite());
	srunner_add_suite(runner, text_suite());
	srunner_add_suite(runner, uuid_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
