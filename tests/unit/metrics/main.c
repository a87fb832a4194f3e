#include "tests/lib/run_suites.h"
#include "tests/unit/metrics/suites.h"

int
main(void)
{
	return run_suites((Suite *[]){ count_suite(), read_suite(), NULL });
}
