/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers that checks meet and the daemon around them. Called by test_health.c and
 * test_health_kinds.c.
 */
#include "health_world.h"

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

#include "log.h"
#include "named_rows.h"

struct health_world world;

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
	int n = evbuffer_remove(bufferevent_get_input(connection), world.request,
				sizeof(world.request) - 1);

	(void)ctx;
	world.request[n > 0 ? n : 0] = '\0';
	if (!world.answer)
		return;
	bufferevent_setcb(connection, on_request, on_written, on_end, NULL);
	bufferevent_write(connection, world.answer, strlen(world.answer));
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *from, int bytes, void *ctx)
{
	struct bufferevent *c = bufferevent_socket_new(world.base, fd, BEV_OPT_CLOSE_ON_FREE);

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
	ssize_t n = recvfrom(fd, world.request, sizeof(world.request) - 1, 0,
			     (struct sockaddr *)&from, &bytes);

	(void)events;
	(void)ctx;
	world.request[n > 0 ? n : 0] = '\0';
	if (world.answer)
		sendto(fd, world.answer, strlen(world.answer), 0, (struct sockaddr *)&from, bytes);
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

	world.listener =
		evconnlistener_new_bind(world.base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE, 16,
					(const struct sockaddr *)&any, sizeof(any));
	assert_non_null(world.listener);
	world.tcp_port = port_of(evconnlistener_get_fd(world.listener));
	assert_int_equal(bind(udp, (const struct sockaddr *)&any, sizeof(any)), 0);
	world.udp_port = port_of(udp);
	world.udp = event_new(world.base, udp, EV_READ | EV_PERSIST, on_datagram, NULL);
	event_add(world.udp, NULL);
	assert_int_equal(bind(closed, (const struct sockaddr *)&any, sizeof(any)), 0);
	world.closed_port = port_of(closed);
	close(closed);
}

/* ---- the daemon ---- */

static void set_down(void *ctx, const struct service_conf *service, uint32_t at, bool down)
{
	const char *backend = service->backends[at].name;
	size_t used = strlen(world.down);
	uint32_t i = (uint32_t)atoi(backend + 1) - 1;
	struct health_report told;

	(void)ctx;
	snprintf(world.down + used, sizeof(world.down) - used, "%s%c ", backend, down ? '-' : '+');
	if (!world.model || i >= ROWS(world.why) || i >= world.model->services[0]->backends_n)
		return;
	checker_read(world.checker, world.model->services[0], i, &told);
	memcpy(world.why[i], told.reason, sizeof(told.reason));
}

static bool is_down(void *ctx, const struct service_conf *service, uint32_t i)
{
	(void)ctx;
	return world.kept_out && strcmp(service->backends[i].name, world.kept_out) == 0;
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
	world.began_n++;
	if (world.stands_still && world.began_n % 5 == 0)
		event_active(world.stand_still, 0, 0);
	world.due_n[((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - late_us) / 100000 % 10]++;
}

int world_setup(void **state)
{
	(void)state;
	log_set_level(FAST_PATH_LOG_ERROR);
	memset(&world, 0, sizeof(world));
	world.base = event_base_new();
	world.settings = (struct settings){.services_max = 16,
					   .backends_max = 1024,
					   .exec_user = "nobody",
					   .health_rate = 20000,
					   .vip_mark = 20942};
	world.ops = (struct checker_ops){
		.set_down = set_down, .is_down = is_down, .outer = outer, .began = began};
	assert_int_equal(checker_new(world.base, &world.settings, &world.ops, &world.checker), 0);
	servers_open();
	return 0;
}

int world_teardown(void **state)
{
	(void)state;
	checker_free(world.checker);
	evconnlistener_free(world.listener);
	close(event_get_fd(world.udp));
	event_free(world.udp);
	/* Connections that the servers still have. */
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	model_free(world.model);
	event_base_free(world.base);
	return 0;
}

/* The service web with n backends b1 ... on 127.0.0.1 ..., checked as `health` says. */
struct model *world_model(const struct health_conf *health, uint32_t n)
{
	struct service_conf *spec = service_conf_new(n);
	struct model *empty = model_new(&world.settings), *model;
	struct model_error error = {.text = "no memory"};

	strcpy(spec->name, "web");
	assert_int_equal(ip_parse("198.51.100.10", &spec->vip), 0);
	spec->port = 80;
	spec->proto = 6;
	spec->health = *health;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(spec->backends[i].name, MODEL_NAME_MAX, "b%u", i + 1);
		spec->backends[i].addr =
			(struct ip_addr){.family = IP_V4, .bytes = {10, 0, 0, (uint8_t)(i + 1)}};
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

void world_follow(struct model *model)
{
	assert_int_equal(checker_follow(world.checker, model), 0);
	model_free(world.model);
	world.model = model;
}

struct health_report world_report(uint32_t i)
{
	struct health_report r;

	checker_read(world.checker, world.model->services[0], i, &r);
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
void world_becomes(uint32_t i, enum health_state state, const char *reason)
{
	int64_t end_ms = now_ms() + PATIENCE_MS;
	struct health_report r;

	do {
		struct timeval step = {.tv_usec = 5000};

		event_base_loopexit(world.base, &step);
		event_base_dispatch(world.base);
		r = world_report(i);
		if (r.state == state && (strstr(r.reason, reason) ||
					 (i < ROWS(world.why) && strstr(world.why[i], reason))))
			return;
	} while (now_ms() < end_ms);
	fail_msg("b%u is %s (%s), not %s (%s)", i + 1, health_state_name(r.state), r.reason,
		 health_state_name(state), reason);
}

struct health_conf world_conf(enum health_type type)
{
	struct health_conf conf = health_conf_default();

	conf.type = (uint8_t)type;
	conf.timing.interval_ms = conf.timing.timeout_ms = TIMEOUT_MS;
	conf.timing.fast_interval_ms = 20;
	conf.timing.fall = 2;
	conf.timing.port = type == HEALTH_UDP ? world.udp_port : world.tcp_port;
	return conf;
}
