/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of every kind (but via = "vip", which takes a network: tests/net/health.sh) against
 * servers in this process, on loopback; and what stays known when the model changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <time.h>
#include <unistd.h>

#include "health.h"
#include "log.h"
#include "named_rows.h"

enum {
	PATIENCE_MS = 20000,
	TIMEOUT_MS = 200,
};

/* The daemon around the checks, and the servers that they meet. */
static struct world {
	struct event_base *base;
	struct settings settings;
	struct health_ops ops;
	struct health *health;
	struct model *model;
	const char *answer; /* of the server: NULL: none */
	struct event *stand_still;
	bool stands_still; /* after a check has begun */
	char request[1024];
	uint16_t tcp_port, udp_port, closed_port;
	struct evconnlistener *listener;
	struct event *udp;
	char down[256]; /* backends, as they were told: "b1- b1+ " */
	char why[4][HEALTH_REASON_MAX]; /* the first ones' reasons, when they were told last */
	const char *kept_out; /* a backend; NULL: none */
	uint32_t due_n[10]; /* checks that were due in each tenth of the interval */
	uint32_t began_n; /* checks */
} w;

static const struct sockaddr_in any = {.sin_family = AF_INET};

/* ---- servers ---- */

/* The answer is out. */
static void on_written(struct bufferevent *connection, void *ctx)
{
	(void)ctx;
	bufferevent_free(connection);
}

static void on_end(struct bufferevent *connection, short events, void *ctx)
{
	(void)events;
	(void)ctx;
	bufferevent_free(connection);
}

static void on_request(struct bufferevent *connection, void *ctx)
{
	int n = evbuffer_remove(bufferevent_get_input(connection), w.request,
				sizeof(w.request) - 1);

	(void)ctx;
	w.request[n > 0 ? n : 0] = '\0';
	if (!w.answer)
		return;
	bufferevent_setcb(connection, on_request, on_written, on_end, NULL);
	bufferevent_write(connection, w.answer, strlen(w.answer));
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *from, int bytes, void *ctx)
{
	struct bufferevent *c = bufferevent_socket_new(w.base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)listener;
	(void)from;
	(void)bytes;
	(void)ctx;
	bufferevent_setcb(c, on_request, NULL, on_end, NULL);
	bufferevent_enable(c, EV_READ | EV_WRITE);
}

static void on_datagram(evutil_socket_t fd, short events, void *ctx)
{
	struct sockaddr_in from;
	socklen_t bytes = sizeof(from);
	ssize_t n = recvfrom(fd, w.request, sizeof(w.request) - 1, 0, (struct sockaddr *)&from,
			     &bytes);

	(void)events;
	(void)ctx;
	w.request[n > 0 ? n : 0] = '\0';
	if (w.answer)
		sendto(fd, w.answer, strlen(w.answer), 0, (struct sockaddr *)&from, bytes);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in own;
	socklen_t bytes = sizeof(own);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &bytes), 0);
	return ntohs(own.sin_port);
}

static void servers_open(void)
{
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int closed = socket(AF_INET, SOCK_STREAM, 0);

	w.listener = evconnlistener_new_bind(w.base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE,
					     16, (const struct sockaddr *)&any,
					     sizeof(any));
	assert_non_null(w.listener);
	w.tcp_port = port_of(evconnlistener_get_fd(w.listener));
	assert_int_equal(bind(udp, (const struct sockaddr *)&any, sizeof(any)), 0);
	w.udp_port = port_of(udp);
	w.udp = event_new(w.base, udp, EV_READ | EV_PERSIST, on_datagram, NULL);
	event_add(w.udp, NULL);
	assert_int_equal(bind(closed, (const struct sockaddr *)&any, sizeof(any)), 0);
	w.closed_port = port_of(closed);
	close(closed);
}

/* ---- the daemon ---- */

static void set_down(void *ctx, const char *service, const char *backend, bool down)
{
	size_t used = strlen(w.down);
	uint32_t i = (uint32_t)atoi(backend + 1) - 1;
	struct health_report told;

	(void)ctx;
	(void)service;
	snprintf(w.down + used, sizeof(w.down) - used, "%s%c ", backend, down ? '-' : '+');
	if (!w.model || i >= ROWS(w.why) || i >= w.model->services[0]->backends_n)
		return;
	health_read(w.health, w.model->services[0], i, &told);
	memcpy(w.why[i], told.reason, sizeof(told.reason));
}

static bool is_down(void *ctx, const struct service_conf *service, uint32_t i)
{
	(void)ctx;
	return w.kept_out && strcmp(service->backends[i].name, w.kept_out) == 0;
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
	struct timespec now;

	(void)ctx;
	/* Not when it began: this machine may stand still for a while. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	w.began_n++;
	if (w.stands_still && w.began_n % 5 == 0)
		event_active(w.stand_still, 0, 0);
	w.due_n[((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - late_us) / 100000 % 10]++;
}

static int setup(void **state)
{
	(void)state;
	log_set_level(FAST_PATH_LOG_ERROR);
	memset(&w, 0, sizeof(w));
	w.base = event_base_new();
	w.settings = (struct settings){.services_max = 16,
				       .backends_max = 1024,
				       .exec_user = "nobody",
				       .vip_mark = 20942};
	w.ops = (struct health_ops){
		.set_down = set_down, .is_down = is_down, .outer = outer, .began = began};
	assert_int_equal(health_new(w.base, &w.settings, &w.ops, &w.health), 0);
	servers_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	health_free(w.health);
	evconnlistener_free(w.listener);
	close(event_get_fd(w.udp));
	event_free(w.udp);
	/* Connections that the servers still have. */
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	model_free(w.model);
	event_base_free(w.base);
	return 0;
}

/* The service web with n backends b1 ... on 127.0.0.1 ..., checked as `health` says. */
static struct model *model_make(const struct health_conf *health, uint32_t n)
{
	struct service_conf *spec = service_conf_new(n);
	struct model *empty = model_new(&w.settings), *model;
	struct model_error error = {.text = "no memory"};

	strcpy(spec->name, "web");
	assert_int_equal(ip_parse("198.51.100.10", &spec->vip), 0);
	spec->port = 80;
	spec->proto = 6;
	spec->health = *health;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(spec->backends[i].name, MODEL_NAME_MAX, "b%u", i + 1);
		spec->backends[i].addr = (struct ip_addr){.family = IP_V4,
							  .bytes = {10, 0, 0, (uint8_t)(i + 1)}};
		spec->backends[i].weight = 100;
	}
	model = model_service_add(empty, spec, &error);
	if (!model)
		fail_msg("%s", error.text);
	service_conf_unref(spec);
	model_free(empty);
	/* Which a model refuses, for good reason. */
	for (uint32_t i = 0; i < n; i++)
		model->services[0]->backends[i].addr.bytes[0] = 127;
	return model;
}

static void follow(struct model *model)
{
	assert_int_equal(health_follow(w.health, model), 0);
	model_free(w.model);
	w.model = model;
}

static struct health_report report(uint32_t i)
{
	struct health_report r;

	health_read(w.health, w.model->services[0], i, &r);
	return r;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Runs the loop until backend i has that state and its reason that text, or had it when it came into
 * that state: "2 of 2" is gone with the next check, 20 ms later.
 */
static void becomes(uint32_t i, enum health_state state, const char *reason)
{
	int64_t end_ms = now_ms() + PATIENCE_MS;
	struct health_report r;

	do {
		struct timeval step = {.tv_usec = 5000};

		event_base_loopexit(w.base, &step);
		event_base_dispatch(w.base);
		r = report(i);
		if (r.state == state && (strstr(r.reason, reason) ||
					 (i < ROWS(w.why) && strstr(w.why[i], reason))))
			return;
	} while (now_ms() < end_ms);
	fail_msg("b%u is %s (%s), not %s (%s)", i + 1, health_state_name(r.state), r.reason,
		 health_state_name(state), reason);
}

static struct health_conf conf_of(enum health_type type)
{
	struct health_conf conf = health_conf_default();

	conf.type = (uint8_t)type;
	conf.timing.interval_ms = conf.timing.timeout_ms = TIMEOUT_MS;
	conf.timing.fast_interval_ms = 20;
	conf.timing.fall = 2;
	conf.timing.port = type == HEALTH_UDP ? w.udp_port : w.tcp_port;
	return conf;
}

/* ---- kinds ---- */

#define HTTP(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body

static const struct {
	const char *name;
	enum health_type type;
	bool closed; /* nobody listens there */
	const char *answer;
	const char *path, *body, *send, *expect, *program, *args; /* NULL: the default */
	enum health_method method;
	enum health_state state;
	const char *reason, *request; /* parts; `request` NULL: any */
} rows[] = {
	{.name = "tcp", .type = HEALTH_TCP, .state = HEALTH_UP, .reason = "tcp connect"},
	{.name = "tcp refused", .type = HEALTH_TCP, .closed = true, .state = HEALTH_DOWN,
	 .reason = "tcp connect: Connection refused, 2 of 2"},
	{.name = "http", .type = HEALTH_HTTP, .answer = HTTP("200 OK", "hello"),
	 .state = HEALTH_UP, .reason = "http status 200", .request = "GET / HTTP/1.1\r\n"},
	{.name = "http: path and query", .type = HEALTH_HTTP, .answer = HTTP("204 No", ""),
	 .path = "/a/../b?c=%20", .state = HEALTH_UP, .reason = "http status 204",
	 .request = "GET /a/../b?c=%20 HTTP/1.1\r\n"},
	{.name = "http: host", .type = HEALTH_HTTP, .answer = HTTP("200 OK", ""),
	 .state = HEALTH_UP, .reason = "200", .request = "Host: www.test\r\n"},
	{.name = "http: HEAD", .type = HEALTH_HTTP, .method = HEALTH_HEAD,
	 .answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", .state = HEALTH_UP,
	 .reason = "http status 200", .request = "HEAD / HTTP/1.1\r\n"},
	{.name = "http: OPTIONS", .type = HEALTH_HTTP, .method = HEALTH_OPTIONS,
	 .answer = HTTP("200 OK", ""), .state = HEALTH_UP, .reason = "http status 200",
	 .request = "OPTIONS / HTTP/1.1\r\n"},
	{.name = "http: a redirection is followed by nobody", .type = HEALTH_HTTP,
	 .answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		   "Content-Length: 0\r\n\r\n",
	 .state = HEALTH_UP, .reason = "http status 302"},
	{.name = "http: 500", .type = HEALTH_HTTP, .answer = HTTP("500 Oh", "hello"),
	 .state = HEALTH_DOWN, .reason = "http status 500, not 200-399, 2 of 2"},
	{.name = "http: body", .type = HEALTH_HTTP, .answer = HTTP("200 OK", "all is fine here"),
	 .body = "is fine", .state = HEALTH_UP, .reason = "http status 200"},
	{.name = "http: another body", .type = HEALTH_HTTP, .answer = HTTP("200 OK", "all is lost"),
	 .body = "is fine", .state = HEALTH_DOWN,
	 .reason = "http status 200, but no \"is fine\" in 11 bytes"},
	{.name = "http: no answer", .type = HEALTH_HTTP, .state = HEALTH_DOWN,
	 .reason = "http timed out after 200 ms, 2 of 2"},
	{.name = "http: no http", .type = HEALTH_HTTP, .answer = "SSH-2.0-OpenSSH_9.2\r\n\r\n",
	 .state = HEALTH_DOWN, .reason = "http: "},
	{.name = "https: no TLS", .type = HEALTH_HTTPS, .answer = HTTP("200 OK", ""),
	 .state = HEALTH_DOWN, .reason = "https: "},
	{.name = "udp", .type = HEALTH_UDP, .send = "hex:70696e67", .answer = "pong",
	 .state = HEALTH_UP, .reason = "udp answer", .request = "ping"},
	{.name = "udp: expected", .type = HEALTH_UDP, .send = "ping", .expect = "on",
	 .answer = "pong", .state = HEALTH_UP, .reason = "udp answer"},
	{.name = "udp: another answer", .type = HEALTH_UDP, .send = "ping", .expect = "pang",
	 .answer = "pong", .state = HEALTH_DOWN, .reason = "udp: only unexpected answers within"},
	{.name = "udp: no answer", .type = HEALTH_UDP, .send = "ping", .state = HEALTH_DOWN,
	 .reason = "udp: no answer within 200 ms, 2 of 2"},
	{.name = "udp refused", .type = HEALTH_UDP, .closed = true, .send = "ping",
	 .state = HEALTH_DOWN, .reason = "udp: Connection refused"},
	{.name = "icmp", .type = HEALTH_ICMP, .state = HEALTH_UP, .reason = "icmp echo answered"},
	{.name = "exec", .type = HEALTH_EXEC, .program = "/bin/true", .state = HEALTH_UP,
	 .reason = "exec exit status 0"},
	{.name = "exec: status", .type = HEALTH_EXEC, .program = "/bin/false",
	 .state = HEALTH_DOWN, .reason = "exec exit status 1, 2 of 2"},
	{.name = "exec: as somebody else", .type = HEALTH_EXEC, .program = "/usr/bin/test",
	 .args = "-w\0/etc/passwd", .state = HEALTH_DOWN, .reason = "exec exit status 1"},
	{.name = "exec: killed", .type = HEALTH_EXEC, .program = "/bin/sleep", .args = "60",
	 .state = HEALTH_DOWN, .reason = "exec timed out after 200 ms, and was killed, 2 of 2"},
	{.name = "exec: no such program says nothing of the backend", .type = HEALTH_EXEC,
	 .program = "/nowhere/check", .state = HEALTH_UNKNOWN,
	 .reason = "not checked: exec: /nowhere/check can't be run as nobody: No such file"},
};

static void row_run(size_t i)
{
	struct health_conf conf = conf_of(rows[i].type);

	print_message("# row: %s\n", rows[i].name);
	w.answer = rows[i].answer;
	w.request[0] = '\0';
	w.down[0] = '\0';
	/* What is to be answered may take long where the machine has other things to do. */
	if (!strstr(rows[i].reason, "200 ms") && !strstr(rows[i].reason, "within"))
		conf.timing.interval_ms = conf.timing.timeout_ms = PATIENCE_MS / 2;
	conf.method = (uint8_t)rows[i].method;
	if (rows[i].closed)
		conf.timing.port = w.closed_port;
	if (rows[i].type == HEALTH_EXEC)
		conf.timing.rise = 1;
	if (strstr(rows[i].name, "host"))
		strcpy(conf.host, "www.test");
	if (rows[i].path)
		strcpy(conf.path, rows[i].path);
	if (rows[i].body)
		strcpy(conf.body, rows[i].body);
	if (rows[i].send)
		assert_true(health_bytes_parse(rows[i].send, &conf.send));
	if (rows[i].expect)
		assert_true(health_bytes_parse(rows[i].expect, &conf.expect));
	if (rows[i].program)
		strcpy(conf.program, rows[i].program);
	if (rows[i].args) {
		/* One, or an option and one behind it. */
		size_t first = strlen(rows[i].args) + 1;

		conf.args_bytes = (uint16_t)(first + (rows[i].args[0] == '-' ?
							      strlen(rows[i].args + first) + 1 :
							      0));
		memcpy(conf.args, rows[i].args, conf.args_bytes);
	}
	follow(model_make(&conf, 1));
	becomes(0, rows[i].state, rows[i].reason);
	if (rows[i].request && !strstr(w.request, rows[i].request))
		fail_msg("asked for: %s", w.request);
	if (rows[i].state != HEALTH_UNKNOWN)
		assert_string_equal(w.down, rows[i].state == HEALTH_DOWN ? "b1- " : "b1+ ");
	/* Forgotten, so that the next row begins anew. */
	conf = (struct health_conf){.type = HEALTH_NO_CHECK};
	follow(model_make(&conf, 0));
	w.why[0][0] = '\0';
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_run(i);
}

/* ---- what stays known ---- */

static void test_changes_of_the_model(void **state)
{
	struct health_conf conf = conf_of(HEALTH_TCP);
	struct model_error error;
	struct health_report before;

	(void)state;
	follow(model_make(&conf, 2));
	becomes(0, HEALTH_UP, "tcp");
	evconnlistener_disable(w.listener);
	conf.timing.port = w.closed_port;
	w.down[0] = '\0';
	follow(model_make(&conf, 2)); /* another check, of a backend that is known */
	assert_int_equal(report(0).state, HEALTH_UP);
	becomes(0, HEALTH_DOWN, "refused");
	becomes(1, HEALTH_DOWN, "refused");
	before = report(0);
	follow(model_backend_weight(w.model, "web", "b1", 7, &error));
	assert_int_equal(report(0).state, HEALTH_DOWN);
	assert_int_equal(report(0).since_us, before.since_us);
	follow(model_backend_admin(w.model, "web", "b2", BACKEND_DISABLED, &error));
	assert_int_equal(report(1).state, HEALTH_DOWN);
	follow(model_backend_remove(w.model, "web", "b1", &error));
	assert_string_equal(w.model->services[0]->backends[0].name, "b2");
	assert_int_equal(report(0).state, HEALTH_DOWN);
	assert_int_equal(strlen(w.down), strlen("b1- b2- "));
	/* No longer checked: up. */
	conf.type = HEALTH_NO_CHECK;
	follow(model_make(&conf, 2));
	assert_int_equal(report(0).state, HEALTH_NONE);
	assert_int_equal(strlen(w.down), strlen("b1- b2- b2+ "));
	assert_non_null(strstr(w.down, "b2+ "));
}

static void test_kept_out(void **state)
{
	struct health_conf conf = conf_of(HEALTH_TCP);

	(void)state;
	w.kept_out = "b2";
	conf.timing.rise = 3;
	follow(model_make(&conf, 2));
	assert_int_equal(report(1).state, HEALTH_UNKNOWN);
	assert_string_equal(report(1).reason, "no result yet; kept out as before");
	becomes(1, HEALTH_UP, "tcp connect");
	assert_non_null(strstr(w.down, "b2+ "));
}

static void test_override(void **state)
{
	struct health_conf conf = conf_of(HEALTH_TCP);
	struct model *model;

	(void)state;
	conf.timing.interval_ms = HEALTH_MS_MAX; /* so that the reason stays */
	model = model_make(&conf, 3);
	model->services[0]->backends[0].health.off = true;
	model->services[0]->backends[1].health.timing.port = w.closed_port;
	model->services[0]->backends[1].health.timing.fall = 3;
	follow(model);
	becomes(1, HEALTH_DOWN, "refused, 3 of 3");
	assert_int_equal(report(0).state, HEALTH_NONE);
}

/*
 * 200 backends that went down at once: each comes back to a place of its own in the interval, and
 * none has its turn with all others.
 */
static void run_for(uint32_t ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(w.base, &time);
	event_base_dispatch(w.base);
}

static void spread_check(void)
{
	uint32_t total = 0;

	memset(w.due_n, 0, sizeof(w.due_n));
	run_for(2000);
	/* 40 each if they were exactly even. */
	for (int tenth = 0; tenth < 10; tenth++) {
		assert_in_range(w.due_n[tenth], 5, 100);
		total += w.due_n[tenth];
	}
	assert_in_range(total, 300, 600);
}

static void test_spread(void **state)
{
	struct health_conf conf = conf_of(HEALTH_TCP);

	(void)state;
	conf.timing.interval_ms = 1000;
	conf.timing.port = w.closed_port;
	follow(model_make(&conf, 200));
	for (uint32_t i = 0; i < 200; i++)
		becomes(i, HEALTH_DOWN, "refused");
	spread_check();
	/* The daemon stands still for longer than an interval: all are due at once then. */
	usleep(2500000);
	run_for(1500);
	spread_check();
}

/* How many checks of one backend begin in `time_ms`, from its first on, with nothing in doubt. */
static uint32_t begun_in(struct health_conf *conf, uint32_t time_ms)
{
	follow(model_make(conf, 1));
	becomes(0, HEALTH_UP, "tcp");
	w.began_n = 0;
	run_for(time_ms);
	return w.began_n;
}

/* A jitter shortens intervals, by half of what it may on average: 100 ms become 75. */
static void test_jitter(void **state)
{
	struct health_conf conf = conf_of(HEALTH_TCP);
	uint32_t even, uneven;

	(void)state;
	conf.timing.interval_ms = 100;
	conf.timing.timeout_ms = 100;
	conf.timing.jitter_percent = 0;
	even = begun_in(&conf, 3000);
	conf.timing.jitter_percent = 50;
	uneven = begun_in(&conf, 3000);
	/* 30 and 40; fewer where this machine stood still. */
	assert_in_range(even, 15, 31);
	assert_in_range(uneven, even + 4, 48);
}

/* An hour goes by between two checks of a backend that is sure, and no time before it is. */
static void test_fast_while_in_doubt(void **state)
{
	struct health_conf conf = conf_of(HEALTH_TCP);

	(void)state;
	conf.timing.interval_ms = HEALTH_MS_MAX;
	conf.timing.fall = 4;
	conf.timing.port = w.closed_port;
	follow(model_make(&conf, 1));
	becomes(0, HEALTH_DOWN, "refused, 4 of 4");
	conf.timing.port = w.tcp_port;
	assert_int_equal(begun_in(&conf, 300), 0);
}

static void test_flapping_is_told(void **state)
{
	struct health_conf conf = conf_of(HEALTH_TCP);
	struct model *model;

	(void)state;
	conf.timing.rise = conf.timing.fall = 1;
	conf.flap_count = 1;
	conf.flap_hold_s = 2;
	follow(model_make(&conf, 1));
	becomes(0, HEALTH_UP, "tcp");
	conf.timing.port = w.closed_port;
	model = model_make(&conf, 1);
	follow(model);
	becomes(0, HEALTH_DOWN, "flapping: held down until ");
	conf.timing.port = w.tcp_port;
	follow(model_make(&conf, 1));
	becomes(0, HEALTH_DOWN, "1 times down in 600 s; tcp connect");
	becomes(0, HEALTH_UP, "tcp connect");
}

/* The loop stands still, as where a turn of it waits for the kernel. */
static void stand_still(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	(void)ctx;
	usleep((TIMEOUT_MS + TIMEOUT_MS / 3) * 1000);
}

/* While a check is under way, each fifth time that one begins: it counts for nothing. */
static void test_stands_still(void **state)
{
	static const struct timeval time = {.tv_sec = 1, .tv_usec = 500000};
	static const enum health_type types[] = {HEALTH_TCP, HEALTH_HTTP, HEALTH_UDP};
	struct health_conf conf;

	(void)state;
	w.stand_still = event_new(w.base, -1, 0, stand_still, NULL);
	for (size_t i = 0; i < ROWS(types); i++) {
		w.answer = types[i] == HEALTH_HTTP ? HTTP("200 OK", "") : "pong";
		conf = conf_of(types[i]);
		conf.timing.fall = 1;
		if (types[i] == HEALTH_UDP)
			assert_true(health_bytes_parse("ping", &conf.send));
		follow(model_make(&conf, 1));
		becomes(0, HEALTH_UP, "");
		w.down[0] = '\0';
		w.stands_still = true;
		event_base_loopexit(w.base, &time);
		event_base_dispatch(w.base);
		w.stands_still = false;
		if (w.down[0] || report(0).state != HEALTH_UP)
			fail_msg("%zu: %s (%s)", i, w.down, report(0).reason);
	}
	event_free(w.stand_still);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_kinds),    TEST(test_changes_of_the_model),
		TEST(test_kept_out), TEST(test_override),
		TEST(test_spread),   TEST(test_flapping_is_told),
		TEST(test_jitter),   TEST(test_fast_while_in_doubt),
		TEST(test_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
