// SPDX-License-Identifier: Apache-2.0
/*
 * How many backends one control core can check: so many, each once a second, by the daemon's own
 * code against servers on this host, and how late checks begin. `make bench-health`.
 *
 *   bench_health [BACKENDS [SECONDS]]
 *
 * Backends are addresses of 127.0.0.0/8, on which another process accepts connections, and closes
 * them; for http it answers first. What that process takes of the CPU isn't counted.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "health.h"
#include "log.h"
#include "loop.h"

enum {
	SAMPLES_MAX = 1 << 22,
	WARM_UP_S = 2, /* first runs, which come at once, and the way to each one's place */
	PORT_HTTP = 18080,
	PORT_TCP = 18081,
};

struct bench {
	struct event_base *base;
	uint32_t *late_us;
	uint32_t n;
	bool counting;
	uint32_t down_n;
};

/* ---- the servers, in a process of their own ---- */

static void on_request(struct bufferevent *connection, void *ctx)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
				     "Connection: close\r\n\r\nok\n";

	(void)ctx;
	evbuffer_drain(bufferevent_get_input(connection), SIZE_MAX);
	bufferevent_write(connection, answer, sizeof(answer) - 1);
}

static void on_end(struct bufferevent *connection, short events, void *ctx)
{
	(void)events;
	(void)ctx;
	bufferevent_free(connection);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *from, int bytes, void *ctx)
{
	struct bufferevent *connection;

	(void)from;
	(void)bytes;
	(void)ctx;
	connection = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
					    BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(connection, on_request, NULL, on_end, NULL);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static void files_raise(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static pid_t servers_start(void)
{
	static const uint16_t ports[] = {PORT_HTTP, PORT_TCP};
	struct event_base *base;
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		return -1;
	pid = fork();
	if (pid != 0) {
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			return -1;
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	files_raise();
	base = event_base_new();
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(ports[i])};

		if (!evconnlistener_new_bind(base, on_connection, NULL,
					     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 4096,
					     (struct sockaddr *)&any, sizeof(any)))
			_exit(1);
	}
	if (write(ready[1], "", 1) != 1)
		_exit(1);
	event_base_dispatch(base);
	_exit(0);
}

/* ---- the checks ---- */

static void set_down(void *ctx, const char *service, const char *backend, bool down)
{
	struct bench *b = ctx;

	(void)service;
	(void)backend;
	b->down_n += down;
}

static bool is_down(void *ctx, const struct service_conf *service, uint32_t i)
{
	(void)ctx;
	(void)service;
	(void)i;
	return false;
}

static void outer(void *ctx, const struct service_conf *service, const struct backend_conf *backend,
		  struct vip_outer *out)
{
	(void)ctx;
	(void)service;
	(void)backend;
	memset(out, 0, sizeof(*out));
}

static void began(void *ctx, int64_t late_us)
{
	struct bench *b = ctx;

	if (b->counting && b->n < SAMPLES_MAX)
		b->late_us[b->n++] = late_us > 0 ? (uint32_t)late_us : 0;
}

static struct model *model_of(const struct settings *settings, enum health_type type, uint32_t n)
{
	struct service_conf *spec = service_conf_new(n);
	struct model *empty = model_new(settings), *model;
	struct model_error error = {.text = "no memory"};

	strcpy(spec->name, "web");
	ip_parse("198.51.100.10", &spec->vip);
	spec->port = type == HEALTH_TCP ? PORT_TCP : PORT_HTTP;
	spec->proto = 6;
	spec->health = health_conf_default();
	spec->health.type = (uint8_t)type;
	spec->health.timing.interval_ms = 1000;
	spec->health.timing.timeout_ms = 900;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t bytes[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

		snprintf(spec->backends[i].name, MODEL_NAME_MAX, "b%u", i);
		spec->backends[i].addr = ip_from_bytes(IP_V4, bytes);
		spec->backends[i].weight = 100;
	}
	model = model_service_add(empty, spec, &error);
	if (!model)
		fprintf(stderr, "bench_health: %s\n", error.text);
	/* A model refuses addresses of 127/8, for good reason; here they are what is wanted. */
	for (uint32_t i = 0; model && i < n; i++)
		model->services[0]->backends[i].addr.bytes[0] = 127;
	service_conf_unref(spec);
	model_free(empty);
	return model;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void run_for(struct bench *b, uint32_t seconds)
{
	struct timeval time = {.tv_sec = seconds};

	event_base_loopexit(b->base, &time);
	event_base_dispatch(b->base);
}

/* False: it could not be run, or a backend was found down. */
static bool measure(enum health_type type, uint32_t backends, uint32_t seconds)
{
	const struct settings settings = {
		.services_max = 16, .backends_max = UINT32_MAX, .vip_mark = 20942};
	struct bench b = {.base = loop_new(), .late_us = calloc(SAMPLES_MAX, 4)};
	const struct health_ops ops = {
		.ctx = &b,
		.set_down = set_down,
		.is_down = is_down,
		.outer = outer,
		.began = began,
	};
	struct model *model = model_of(&settings, type, backends);
	struct health *health;
	double before_s, share;

	if (!model || health_new(b.base, &settings, &ops, &health) != 0)
		return false;
	health_follow(health, model);
	run_for(&b, WARM_UP_S);
	b.counting = true;
	before_s = cpu_s();
	run_for(&b, seconds);
	share = 100 * (cpu_s() - before_s) / seconds;
	qsort(b.late_us, b.n, sizeof(*b.late_us), compare);
	printf("%-5s %6u backends, %7.0f checks/s: %5.1f %% of a core (%5.1f us a check); late by "
	       "median %.2f ms, p99 %.2f ms, most %.2f ms; %u found down\n",
	       health_type_name(type), backends, (double)b.n / seconds, share,
	       b.n ? share * 1e4 * seconds / b.n : 0, b.n ? b.late_us[b.n / 2] / 1e3 : 0,
	       b.n ? b.late_us[b.n - 1 - b.n / 100] / 1e3 : 0,
	       b.n ? b.late_us[b.n - 1] / 1e3 : 0, b.down_n);
	health_free(health);
	model_free(model);
	event_base_free(b.base);
	free(b.late_us);
	return b.n > 0 && b.down_n == 0;
}

int main(int argc, char **argv)
{
	uint32_t backends = argc > 1 ? (uint32_t)atoi(argv[1]) : 5000;
	uint32_t seconds = argc > 2 ? (uint32_t)atoi(argv[2]) : 10;
	pid_t servers = servers_start();
	bool fine;

	log_set_level(FAST_PATH_LOG_ERROR);
	if (servers < 0 || backends == 0 || backends >= 1 << 15 || seconds == 0) {
		fprintf(stderr, "usage: bench_health [BACKENDS (1 to 32767) [SECONDS]]\n");
		return 2;
	}
	fine = measure(HEALTH_TCP, backends, seconds);
	fine = measure(HEALTH_HTTP, backends, seconds) && fine;
	kill(servers, SIGKILL);
	waitpid(servers, NULL, 0);
	return fine ? 0 : 1;
}
