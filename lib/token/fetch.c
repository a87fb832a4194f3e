#include "lib/token/fetch.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"

#define CONNECT_MS 1000L
#define TOTAL_MS 2000L

struct fetch {
	CURL *curl;
	struct curl_slist *open, *secret; /* header fields without and with the programs' secret */
	atomic_bool stop;
	size_t length;
	char why[128];
	char content[FETCH_MAX]; /* only as much of it as is used takes memory */
};

static size_t
take(char *bytes, size_t size, size_t count, void *closure)
{
	struct fetch *f = closure;
	size_t n = size * count;

	if (n > FETCH_MAX - f->length)
		return 0; /* which ends the transfer */
	memcpy(f->content + f->length, bytes, n);
	f->length += n;
	return n;
}

static int
progress(void *closure, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct fetch *f = closure;

	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	return atomic_load(&f->stop);
}

/* By https auth's certificate has to be of [tls] ca (without one: of any authority that the system knows), and where there is a
 * certificate of ours, auth may see it.  The files are read at each connection, so that renewing is replacing them. */
static bool
set_tls(CURL *c)
{
	return (*config->tls.ca == '\0' || curl_easy_setopt(c, CURLOPT_CAINFO, config->tls.ca) == CURLE_OK) &&
	       (*config->tls.certificate == '\0' || *config->tls.key == '\0' ||
		   (curl_easy_setopt(c, CURLOPT_SSLCERT, config->tls.certificate) == CURLE_OK &&
		       curl_easy_setopt(c, CURLOPT_SSLKEY, config->tls.key) == CURLE_OK));
}

/* Neither proxies of the environment nor redirections get to see the secret. */
static bool
set_options(struct fetch *f)
{
	CURL *c = f->curl;

	return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, TOTAL_MS) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, f) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, progress) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_XFERINFODATA, f) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) == CURLE_OK && set_tls(c);
}

static bool
set_headers(struct fetch *f)
{
	char line[300];

	f->open = curl_slist_append(NULL, "Accept: application/json");
	f->secret = curl_slist_append(NULL, "Accept: application/json");
	if (config->auth.programs_secret != NULL && f->secret != NULL) {
		snprintf(line, sizeof(line), "Authorization: Bearer %s", config->auth.programs_secret);
		f->secret = curl_slist_append(f->secret, line);
		sodium_memzero(line, sizeof(line));
	}
	return f->open != NULL && f->secret != NULL;
}

struct fetch *
fetch_open(void)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(f);
		return NULL;
	}
	f->curl = curl_easy_init();
	if (f->curl == NULL || !set_options(f) || !set_headers(f)) {
		fetch_close(f);
		return NULL;
	}
	return f;
}

void
fetch_close(struct fetch *f)
{
	if (f == NULL)
		return;
	curl_easy_cleanup(f->curl);
	curl_slist_free_all(f->open);
	curl_slist_free_all(f->secret);
	curl_global_cleanup();
	free(f);
}

const char *
fetch_get(struct fetch *f, const char *path, bool secret, const char **ret_content, size_t *ret_length)
{
	char url[1024];
	long status = 0;
	CURLcode rc;

	if ((size_t)snprintf(url, sizeof(url), "%s%s", config->auth.url, path) >= sizeof(url))
		return "[auth] url is too long";
	f->length = 0;
	curl_easy_setopt(f->curl, CURLOPT_URL, url);
	curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, secret ? f->secret : f->open);
	rc = curl_easy_perform(f->curl);
	if (rc != CURLE_OK) {
		snprintf(f->why, sizeof(f->why), "%s", curl_easy_strerror(rc));
		return f->why;
	}
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		snprintf(f->why, sizeof(f->why), "it answered %ld", status);
		return f->why;
	}
	*ret_content = f->content;
	*ret_length = f->length;
	return NULL;
}

void
fetch_stop(struct fetch *f)
{
	atomic_store(&f->stop, true);
}
