#include "tests/lib/run_suites.h"
#include "tests/unit/web/suites.h"

int
main(void)
{
	return run_suites((Suite *[]){
	    attention_suite(), authorise_suite(), body_suite(), counts_suite(), cursor_suite(), error_suite(), fcgi_record_suite(), limits_suite(), media_suite(), query_suite(), reply_suite(),
	    route_suite(), stream_suite(), throttle_suite(), NULL });
}
