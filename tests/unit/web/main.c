#include <stdlib.h>

#include "tests/unit/web/suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(body_suite());
	int failed;

	srunner_add_suite(runner, cursor_suite());
	srunner_add_suite(runner, error_suite());
	srunner_add_suite(runner, media_suite());
	srunner_add_suite(runner, query_suite());
	srunner_add_suite(runner, reply_suite());
	srunner_add_suite(runner, route_suite());
	srunner_add_suite(runner, stream_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
