#include "tests/lib/run_suites.h"
#include "tests/unit/cli/suites.h"

int
main(void)
{
	return run_suites((Suite *[]){ csv_suite(), import_suite(), NULL });
}
