#include "tests/lib/run_suites.h"
#include "tests/unit/worker/suites.h"

int
main(void)
{
	return run_suites((Suite *[]){ event_codec_suite(), process_suite(), NULL });
}
