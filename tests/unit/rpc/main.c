#include <stdlib.h>

#include "tests/unit/rpc/suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(wire_suite());
	int failed;

	srunner_add_suite(runner, calls_suite());
	srunner_add_suite(runner, listen_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
