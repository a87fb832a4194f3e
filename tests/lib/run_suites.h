/* run_suites.h - what every main() of tests in C does with its suites. */
#ifndef TESTS_RUN_SUITES_H
#define TESTS_RUN_SUITES_H

#include <check.h>
#include <stdlib.h>

/* Runs them, up to a NULL; the exit status.  CK_VERBOSITY says how much is printed. */
static inline int
run_suites(Suite *const suites[])
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; suites[i] != NULL; i++)
		srunner_add_suite(runner, suites[i]);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
