#include "tests/lib/run_suites.h"
#include "tests/unit/base/suites.h"

int
main(void)
{
	return run_suites((Suite *[]){
	    address_suite(), arena_suite(), config_suite(), ctx_suite(), dates_suite(), log_suite(), money_suite(),
	    notify_suite(), text_suite(), trace_suite(), uuid_suite(), whole_file_suite(), zone_suite(), NULL });
}
