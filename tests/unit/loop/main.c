#include "tests/unit/loop/suites.h"

#include "tests/lib/run_suites.h"

int
main(void)
{
	return run_suites((Suite *[]){ loop_suite(), offload_suite(), NULL });
}
