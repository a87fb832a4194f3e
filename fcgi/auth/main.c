/* medicore-auth.fcgi - REST /auth, and the public keys by which others verify its tokens. */
#include "domain/auth/auth.h"
#include "fcgi/auth/handlers.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"

static const char *
database(void)
{
	return config->database.auth;
}

int
main(int argc, char **argv)
{
	static const struct web_program program = {
		.name = "medicore-auth.fcgi",
		.title = "Logins",
		.routes = auth_routes,
		.database = database,
		.role = "medicore_auth_rest",
		.schema = AUTH_SCHEMA,
		.domain = "auth",
		.authenticate = authenticate,
		.counts = METRICS_LOGINS,
		.start = signing_start,
		.stop = signing_stop,
	};

	return web_main(&program, argc, argv);
}
