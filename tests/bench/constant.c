/*
 * The limit for any FastCGI program on libfcgi behind this web server: threads that answer a constant.
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdlib.h>

#define THREADS 8

static void *
serve(void *unused)
{
	FCGX_Request rq;
	char body[4096];

	(void)unused;
	FCGX_InitRequest(&rq, 0, 0);
	while (FCGX_Accept_r(&rq) == 0) {
		while (FCGX_GetStr(body, sizeof(body), rq.in) > 0)
			continue;
		FCGX_PutS("Content-Type: application/json\r\n\r\n{\"constant\":true}", rq.out);
		FCGX_Finish_r(&rq);
	}
	return NULL;
}

int
main(void)
{
	pthread_t threads[THREADS];

	FCGX_Init();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
			return EXIT_FAILURE;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return EXIT_SUCCESS;
}
