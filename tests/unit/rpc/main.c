#include "tests/lib/run_suites.h"
#include "tests/unit/rpc/suites.h"

int
main(void)
{
	return run_suites(
	    (Suite *[]){ peer_suite(), wire_suite(), calls_suite(), batch_suite(), listen_suite(), audit_suite(), NULL });
}
