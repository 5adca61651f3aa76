/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages, and where they are served. Control thread.
 */
#include "http.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "host_names.h"
#include "http_server.h"
#include "metrics_page.h"
#include "page_files.h"
#include "status_json.h"
#include "status_page.h"
#include "worker_load.h"

#define TEXT "text/plain; charset=utf-8"

/* The page needs nothing that is not ours, and no other page may show it in a frame. */
#define PAGE_HEADERS                                                                         \
	"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'\r\n"                                                         \
	"Cross-Origin-Resource-Policy: same-origin\r\n"                                      \
	"Referrer-Policy: no-referrer\r\n"

struct http {
	struct daemon_api api;
	const struct settings *settings;
	struct http_server *server;
	struct worker_load *load;
	struct metrics_scrapes scrapes;
	struct event *retry;
	bool listening[SETTINGS_HTTP_ADDRS_MAX], told[SETTINGS_HTTP_ADDRS_MAX];
};

/* ---- pages ---- */

static void page_healthz(struct http *http, const struct http_request *request,
			 struct http_page *page)
{
	http_page_text(page, 200, TEXT, "ok\n");
}

/* Those that are not up, "sl0 is waiting, l1 is down"; "": all are. Returns how many are up. */
static uint32_t ports_look(const struct http *http, char others[STATUS_WHY_MAX])
{
	const struct daemon_api *api = &http->api;
	struct fast_path_port_info port;
	uint32_t up = 0;
	int err, used = 0;

	others[0] = '\0';
	for (uint32_t i = 0; (err = api->port_read(api->ctx, i, &port)) != -ENOENT; i++) {
		if (err)
			continue;
		up += port.state == FAST_PATH_PORT_UP;
		if (port.state == FAST_PATH_PORT_UP || used >= STATUS_WHY_MAX)
			continue;
		used += snprintf(others + used, (size_t)(STATUS_WHY_MAX - used), "%s%s is %s",
				 used > 0 ? ", " : "", port.interface,
				 fast_path_port_word(port.state));
	}
	return up;
}

/* Why packets are not forwarded as they should be; false: they are. */
static bool why_not_ready(const struct http *http, char why[STATUS_WHY_MAX])
{
	const struct daemon_api *api = &http->api;
	struct daemon_generation generation;
	int stuck = worker_load_stuck(http->load);
	char others[STATUS_WHY_MAX];

	api->generation(api->ctx, &generation);
	if (generation.number == 0)
		snprintf(why, STATUS_WHY_MAX, "no generation is published yet");
	else if (ports_look(http, others) == 0)
		snprintf(why, STATUS_WHY_MAX, "no port is up: %.*s", STATUS_WHY_MAX - 20, others);
	else if (stuck >= 0)
		snprintf(why, STATUS_WHY_MAX, "worker %d did not look at its ports for %d s", stuck,
			 WORKER_LOAD_EVERY_S);
	else
		return false;
	return true;
}

static void page_readyz(struct http *http, const struct http_request *request,
			struct http_page *page)
{
	char why[STATUS_WHY_MAX], others[STATUS_WHY_MAX], text[STATUS_WHY_MAX + 16];

	if (why_not_ready(http, why)) {
		snprintf(text, sizeof(text), "%s\n", why);
		http_page_text(page, 503, TEXT, text);
		return;
	}
	ports_look(http, others);
	snprintf(text, sizeof(text), "ready%s%s\n", others[0] ? "; " : "", others);
	http_page_text(page, 200, TEXT, text);
}

static void page_metrics(struct http *http, const struct http_request *request,
			 struct http_page *page)
{
	metrics_page(page, &http->api, http->load, &http->scrapes, request->accept,
		     http->settings->http_backend_series == SETTING_ON);
}

static void page_status(struct http *http, const struct http_request *request,
			struct http_page *page)
{
	char why[STATUS_WHY_MAX] = "";

	why_not_ready(http, why);
	status_page(page, &http->api, http->load, why, request->query);
}

/* One of the status page's files; false: there is none of that name. */
static bool page_file(const char *path, struct http_page *page)
{
	const char *name = path[1] ? path + 1 : "page.html";

	for (size_t i = 0; page_files[i].name; i++) {
		if (strcmp(page_files[i].name, name) != 0)
			continue;
		http_page_text(page, 200, page_files[i].type, page_files[i].text);
		page->headers = PAGE_HEADERS;
		return true;
	}
	return false;
}

static const struct {
	const char *path;
	void (*fill)(struct http *http, const struct http_request *request, struct http_page *page);
} pages[] = {
	{"/api/status", page_status},
	{"/metrics", page_metrics},
	{"/healthz", page_healthz},
	{"/readyz", page_readyz},
};

/* Whoever else holds connections, those who watch the node can: they decide whether it gets traffic. */
static bool is_kept(const char *path)
{
	return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0;
}

static void route(void *ctx, const struct http_request *request, struct http_page *page)
{
	const struct http *http = ctx;

	if (!host_known(http->settings, request->host)) {
		http_page_text(page, 421, TEXT,
			       "421: this node is not known by that name; ask by its address, "
			       "or add the name to http.hosts in sluice.conf\n");
		return;
	}
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].path, request->path) == 0) {
			pages[i].fill(ctx, request, page);
			return;
		}
	}
	if (page_file(request->path, page))
		return;
	http_page_text(page, 404, TEXT,
		       "there is nothing here; see /, /api/status, /metrics, /healthz, "
		       "/readyz\n");
}

/* ---- where ---- */

static void listen_all(struct http *http)
{
	static const struct timeval later = {.tv_sec = HTTP_RETRY_S};
	const struct settings *settings = http->settings;
	bool failed = false;

	for (uint32_t i = 0; i < settings->http_addrs_n; i++) {
		const struct ip_addr *addr = &settings->http_addrs[i];
		char error[HTTP_ERROR_MAX], text[IP_TEXT_MAX];

		if (http->listening[i])
			continue;
		http->listening[i] =
			http_server_listen(http->server, addr, settings->http_port, error) == 0;
		failed |= !http->listening[i];
		if (http->listening[i])
			events_add(EVENT_DAEMON, "daemon", NULL, NULL,
				   "http: metrics at %s port %u", ip_format(addr, text),
				   settings->http_port);
		else if (!http->told[i])
			events_warn(EVENT_DAEMON, "daemon", NULL, NULL,
				    "http: no metrics at %s: tried again every %d s", error,
				    HTTP_RETRY_S);
		http->told[i] = true;
	}
	if (failed)
		event_add(http->retry, &later);
}

static void on_retry(evutil_socket_t fd, short events, void *ctx)
{
	listen_all(ctx);
}

int http_new(struct event_base *base, const struct settings *settings, const struct daemon_api *api,
	     struct http **out)
{
	struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
	struct http *http;

	config.kept = is_kept;

	*out = NULL;
	if (settings->http_addrs_n == 0)
		return 0;
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->api = *api;
	http->settings = settings;
	http->scrapes.last_s = -1;
	http->server = http_server_new(base, &config, route, http);
	http->load = worker_load_new(base, &http->api);
	http->retry = evtimer_new(base, on_retry, http);
	if (!http->server || !http->load || !http->retry) {
		http_free(http);
		return -ENOMEM;
	}
	listen_all(http);
	*out = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	http_server_free(http->server);
	worker_load_free(http->load);
	if (http->retry)
		event_free(http->retry);
	free(http);
}
