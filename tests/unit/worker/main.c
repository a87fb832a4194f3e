#include <stdlib.h>

#include "tests/unit/worker/suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(event_codec_suite());
	int failed;

	srunner_add_suite(runner, process_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
