/* fixture.h - a directory of a test's own, with settings that name it. */
#ifndef TESTS_UNIT_AUDIT_FIXTURE_H
#define TESTS_UNIT_AUDIT_FIXTURE_H

#include "lib/audit/audit.h"

#define KEY "0123456789abcdef0123456789abcdef"

extern const char *directory; /* [audit] spool and seal */

void directory_setup(void);
void directory_teardown(void);

struct audit_entry an_entry(void); /* with every member */

#endif
