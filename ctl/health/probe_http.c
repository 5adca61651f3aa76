/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http and https, by libcurl: passes when the answer's status and body are as expected. Each run
 * is a connection of its own. Control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_loop.h"
#include "probe_socket.h"

enum {
	BODY_MAX = 65536, /* so far is looked for the expected text */
	URL_MAX = 512,
	AUTHORITIES_KEPT_S = 300, /* then read again, for the host may have others */
};

struct http {
	struct http_transfer transfer; /* first: http_ended() goes from it to us */
	const struct probe_env *env;
	const struct probe_target *target;
	probe_done_fn *done;
	void *ctx;
	CURL *handle;
	struct curl_slist *headers, *connect_to;
	bool running;
	bool enough;  /* read: what follows is thrown away with the connection */
	bool matched; /* the body has what it must have */
	size_t body_bytes;
	char *body;                          /* BODY_MAX, with a text to look for; NULL: none */
	char socket_error[PROBE_REASON_MAX]; /* "": none */
	char error[CURL_ERROR_SIZE];
};

static const char *scheme(const struct http *h)
{
	return h->target->service->health.type == HEALTH_HTTPS ? "https" : "http";
}

static void http_cancel(void *probe)
{
	struct http *h = probe;

	if (!h->running)
		return;
	h->running = false;
	http_loop_remove(h->env->http, h->handle);
}

/* ---- an answer ---- */

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct http *h = ctx;
	const char *text = h->target->service->health.body;
	size_t fits = size * n;

	if (!h->body) {
		h->enough = true;
		return 0;
	}
	if (fits > BODY_MAX - h->body_bytes)
		fits = BODY_MAX - h->body_bytes;
	memcpy(h->body + h->body_bytes, bytes, fits);
	h->body_bytes += fits;
	h->matched = memmem(h->body, h->body_bytes, text, strlen(text));
	h->enough = h->matched || h->body_bytes == BODY_MAX;
	return h->enough ? 0 : size * n;
}

/* It failed here, for want of something, and says nothing of the backend. */
static bool is_ours(const struct http *h, CURLcode result)
{
	long error = 0;

	switch (result) {
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_SSL_CACERT_BADFILE: /* the host's authorities can't be read */
	case CURLE_SSL_ENGINE_INITFAILED:
		return true;
	case CURLE_OPERATION_TIMEDOUT:
		return h->transfer.deaf;
	case CURLE_COULDNT_CONNECT:
		/* Without an error nobody has refused it: libcurl takes EAGAIN of connect(2) for a
		 * connection under way, and finds a socket that isn't. */
		curl_easy_getinfo(h->handle, CURLINFO_OS_ERRNO, &error);
		return error == 0 || probe_error_is_ours((int)error);
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		curl_easy_getinfo(h->handle, CURLINFO_OS_ERRNO, &error);
		return probe_error_is_ours((int)error);
	default:
		return false;
	}
}

static enum probe_outcome judge(const struct http *h, CURLcode result,
				char reason[PROBE_REASON_MAX])
{
	const struct health_conf *conf = &h->target->service->health;
	char expected[64];
	long status = 0;

	if (h->socket_error[0] != '\0') {
		snprintf(reason, PROBE_REASON_MAX, "%s", h->socket_error);
		return PROBE_NOT_MADE;
	}
	if (is_ours(h, result)) {
		snprintf(reason, PROBE_REASON_MAX, "%s: %.160s", scheme(h),
			 h->error[0] ? h->error : curl_easy_strerror(result));
		return PROBE_NOT_MADE;
	}
	if (result == CURLE_OPERATION_TIMEDOUT) {
		snprintf(reason, PROBE_REASON_MAX, "%s timed out after %u ms", scheme(h),
			 h->target->timing.timeout_ms);
		return PROBE_FAILED;
	}
	if (result != CURLE_OK && !(result == CURLE_WRITE_ERROR && h->enough)) {
		snprintf(reason, PROBE_REASON_MAX, "%s: %.160s", scheme(h),
			 h->error[0] ? h->error : curl_easy_strerror(result));
		return PROBE_FAILED;
	}
	curl_easy_getinfo(h->handle, CURLINFO_RESPONSE_CODE, &status);
	if (!health_status_expected(conf, status)) {
		snprintf(reason, PROBE_REASON_MAX, "%s status %ld, not %s", scheme(h), status,
			 health_statuses_format(conf->statuses, expected, sizeof(expected)));
		return PROBE_FAILED;
	}
	if (conf->body[0] != '\0' && !h->matched) {
		/* Readers and the log see reasons: what is looked for may be a secret. */
		snprintf(reason, PROBE_REASON_MAX,
			 "%s status %ld, but health.body is not in %s%zu bytes", scheme(h), status,
			 h->body_bytes == BODY_MAX ? "the first " : "", h->body_bytes);
		return PROBE_FAILED;
	}
	snprintf(reason, PROBE_REASON_MAX, "%s status %ld", scheme(h), status);
	return PROBE_PASSED;
}

static void http_ended(struct http_transfer *transfer, CURLcode result)
{
	struct http *h = (struct http *)transfer;
	char reason[PROBE_REASON_MAX];
	enum probe_outcome outcome = judge(h, result, reason);

	h->running = false;
	h->done(h->ctx, outcome, reason);
}

/* ---- a request ---- */

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http *h = ctx;
	int fd = probe_socket_open(h->env, h->target, SOCK_STREAM, h->socket_error);

	(void)purpose;
	(void)address;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* To the address, whatever name the URL has. */
static int connect_to_make(struct http *h)
{
	const struct ip_addr *addr = probe_address(h->target);
	char text[IP_TEXT_MAX], entry[IP_TEXT_MAX + 16];

	snprintf(entry, sizeof(entry), addr->family == IP_V6 ? "::[%s]:%u" : "::%s:%u",
		 ip_format(addr, text), h->target->timing.port);
	h->connect_to = curl_slist_append(NULL, entry);
	return h->connect_to ? 0 : -ENOMEM;
}

static int headers_make(struct http *h)
{
	const struct health_conf *conf = &h->target->service->health;
	char host[sizeof(conf->host) + 8];
	struct curl_slist *more;

	h->headers = curl_slist_append(NULL, "Connection: close");
	if (h->headers && conf->host[0] != '\0') {
		snprintf(host, sizeof(host), "Host: %s", conf->host);
		more = curl_slist_append(h->headers, host);
		if (!more)
			return -ENOMEM;
	}
	return h->headers ? 0 : -ENOMEM;
}

/* The name in it is what TLS asks for and verifies. A host's port is not part of the name. */
static void url_make(const struct http *h, char url[URL_MAX])
{
	const struct health_conf *conf = &h->target->service->health;
	const struct ip_addr *addr = probe_address(h->target);
	const char *host = conf->sni[0] != '\0' ? conf->sni : conf->host;
	char text[IP_TEXT_MAX], name[sizeof(conf->host) + 2];

	if (host[0] == '\0' || host[0] == '[')
		snprintf(name, sizeof(name), addr->family == IP_V6 ? "[%s]" : "%s",
			 ip_format(addr, text));
	else
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(host, ":"), host);
	snprintf(url, URL_MAX, "%s://%s:%u%s", scheme(h), name, h->target->timing.port, conf->path);
}

/*
 * The host's certification authorities are 140 certificates in 200 KB, 20 ms of work: libcurl keeps
 * them (from 7.87 on) if they come from a file alone. Who verifies nothing needs none.
 */
static void authorities_set(struct http *h, bool verify)
{
	bool has_file = curl_version_info(CURLVERSION_NOW)->cainfo;

	if (has_file || !verify)
		curl_easy_setopt(h->handle, CURLOPT_CAPATH, NULL);
	if (!verify)
		curl_easy_setopt(h->handle, CURLOPT_CAINFO, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(h->handle, CURLOPT_CA_CACHE_TIMEOUT, (long)AUTHORITIES_KEPT_S);
#endif
}

static void options_set(struct http *h)
{
	const struct health_conf *conf = &h->target->service->health;
	char url[URL_MAX];

	url_make(h, url);
	curl_easy_setopt(h->handle, CURLOPT_URL, url);
	curl_easy_setopt(h->handle, CURLOPT_CONNECT_TO, h->connect_to);
	curl_easy_setopt(h->handle, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(h->handle, CURLOPT_USERAGENT, "sluice-check");
	curl_easy_setopt(h->handle, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(h->handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h->handle, CURLOPT_PROXY, "");
	/* Addresses need no cache, which is walked at the end of each transfer. */
	curl_easy_setopt(h->handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(h->handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->handle, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(h->handle, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(h->handle, CURLOPT_SSL_VERIFYPEER, (long)conf->verify);
	curl_easy_setopt(h->handle, CURLOPT_SSL_VERIFYHOST, conf->verify ? 2L : 0L);
	curl_easy_setopt(h->handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	authorities_set(h, conf->verify);
	if (conf->method == HEALTH_HEAD)
		curl_easy_setopt(h->handle, CURLOPT_NOBODY, 1L);
	else if (conf->method == HEALTH_OPTIONS)
		curl_easy_setopt(h->handle, CURLOPT_CUSTOMREQUEST, "OPTIONS");
	curl_easy_setopt(h->handle, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->handle, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->handle, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(h->handle, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(h->handle, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(h->handle, CURLOPT_PRIVATE, &h->transfer);
}

static void http_start(void *probe)
{
	struct http *h = probe;

	h->enough = h->matched = h->transfer.deaf = false;
	h->body_bytes = 0;
	h->socket_error[0] = h->error[0] = '\0';
	/* One that counted for nothing has more the next time. */
	curl_easy_setopt(h->handle, CURLOPT_TIMEOUT_MS, (long)h->target->timing.timeout_ms);
	if (http_loop_add(h->env->http, h->handle) != 0) {
		h->done(h->ctx, PROBE_NOT_MADE, "no memory");
		return;
	}
	h->running = true;
}

static void http_free(void *probe)
{
	struct http *h = probe;

	http_cancel(h);
	curl_easy_cleanup(h->handle);
	curl_slist_free_all(h->headers);
	curl_slist_free_all(h->connect_to);
	free(h->body);
	free(h);
}

static void *http_new(const struct probe_env *env, const struct probe_target *target,
		      probe_done_fn *done, void *ctx)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	*h = (struct http){
		.transfer = {.ended = http_ended},
		.env = env,
		.target = target,
		.done = done,
		.ctx = ctx,
		.handle = curl_easy_init(),
	};
	if (target->service->health.body[0] != '\0')
		h->body = malloc(BODY_MAX);
	if (!h->handle || connect_to_make(h) != 0 || headers_make(h) != 0 ||
	    (target->service->health.body[0] != '\0' && !h->body)) {
		http_free(h);
		return NULL;
	}
	options_set(h);
	return h;
}

const struct probe_kind probe_http = {
	.has_file = true,
	.new = http_new,
	.start = http_start,
	.cancel = http_cancel,
	.free = http_free,
};
