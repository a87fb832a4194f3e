#include "tests/lib/run_suites.h"
#include "tests/unit/audit/suites.h"

int
main(void)
{
	return run_suites(
	    (Suite *[]){ line_suite(), chain_suite(), check_suite(), seal_suite(), spool_suite(), NULL });
}
