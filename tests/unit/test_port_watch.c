/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon tells of its ports, and when it ends so that another process takes one up.
 */
#include "port_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "events.h"
#include "log.h"
#include "notify.h"

static enum fast_path_port_state states[2];
static int look_rc;
static unsigned int restarts;

static int look(uint32_t port, enum fast_path_port_state *state)
{
	*state = states[port];
	return look_rc;
}

static int read_info(uint32_t port, struct fast_path_port_info *info)
{
	memset(info, 0, sizeof(*info));
	snprintf(info->interface, sizeof(info->interface), "sl%u", port);
	return 0;
}

static const struct fast_path module = {.name = "dpdk", .port_look = look, .port_read = read_info};
static const struct path path = {.module = &module, .ports_n = 2};
static const struct settings settings = {
	.ports = {{.device = "0000:01:00.0"}, {.device = "0000:02:00.0"}},
	.ports_n = 2,
};

static void on_restart(void *ctx)
{
	(void)ctx;
	restarts++;
}

static struct port_watch *watch_new(struct event_base **base)
{
	struct port_watch *watch;

	*base = event_base_new();
	restarts = 0;
	assert_int_equal(port_watch_new(*base, &path, &settings, on_restart, NULL, &watch), 0);
	return watch;
}

static void watch_free(struct port_watch *watch, struct event_base *base)
{
	port_watch_free(watch);
	event_base_free(base);
}

/* What has been told since event `first`, in a row. */
static const char *told(uint64_t first)
{
	static char text[4096];

	text[0] = '\0';
	for (uint64_t id = first; id < events_next(); id++) {
		const struct event_entry *e = events_get(id);

		assert_int_equal(e->kind, EVENT_PORT);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n", e->text);
	}
	return text;
}

static void test_changes_are_told_once(void **state)
{
	static const struct {
		const char *row;
		enum fast_path_port_state now;
		int rc;
		const char *told;
	} rows[] = {
		{"nothing happens", FAST_PATH_PORT_UP, 0, ""},
		{"the link goes", FAST_PATH_PORT_DOWN, 0,
		 "port 1 (sl1, 0000:02:00.0): up -> down: no link: nothing comes or goes by it\n"},
		{"it stays away", FAST_PATH_PORT_DOWN, 0, ""},
		{"it can't be asked", FAST_PATH_PORT_UP, -EIO, ""},
		{"it comes", FAST_PATH_PORT_UP, 0, "port 1 (sl1, 0000:02:00.0): down -> up\n"},
		{"the device goes", FAST_PATH_PORT_WAITING, 0,
		 "port 1 (sl1, 0000:02:00.0): up -> waiting: its device is not there; the other "
		 "ports "
		 "go on\n"},
		{"and is back, without a service manager", FAST_PATH_PORT_RETURNED, 0,
		 "port 1 (sl1, 0000:02:00.0): waiting -> returned: its device can be taken up by a "
		 "new "
		 "process alone: restart sluiced\n"},
	};
	struct event_base *base;
	struct port_watch *watch;

	(void)state;
	states[0] = states[1] = FAST_PATH_PORT_UP;
	watch = watch_new(&base);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t first = events_next();

		print_message("# row: %s\n", rows[i].row);
		states[1] = rows[i].now;
		look_rc = rows[i].rc;
		port_watch_look(watch);
		assert_string_equal(told(first), rows[i].told);
	}
	assert_int_equal(restarts, 0);
	watch_free(watch, base);
}

/* One that has no link at the start is told then. */
static void test_down_from_the_start(void **state)
{
	uint64_t first = events_next();
	struct event_base *base;
	struct port_watch *watch;

	(void)state;
	states[0] = FAST_PATH_PORT_DOWN;
	states[1] = FAST_PATH_PORT_UP;
	look_rc = 0;
	watch = watch_new(&base);
	assert_string_equal(told(first), "port 0 (sl0, 0000:01:00.0): up -> down: no link: nothing "
					 "comes or goes by it\n");
	watch_free(watch, base);
}

/* Where systemd started it, it ends to be started again: once. */
static void test_restart(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct event_base *base;
	struct port_watch *watch;
	uint64_t first;

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/port_watch-%d", (int)getpid());
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	notify_open();
	states[0] = states[1] = FAST_PATH_PORT_UP;
	look_rc = 0;
	watch = watch_new(&base);
	states[0] = FAST_PATH_PORT_WAITING;
	port_watch_look(watch);
	assert_int_equal(restarts, 0);
	first = events_next();
	states[0] = FAST_PATH_PORT_RETURNED;
	port_watch_look(watch);
	port_watch_look(watch);
	assert_int_equal(restarts, 1);
	assert_string_equal(told(first),
			    "port 0 (sl0, 0000:01:00.0): waiting -> returned: its device "
			    "can be taken up by a new process: ending, to be started "
			    "again\n");
	watch_free(watch, base);
	notify_close();
	close(fd);
	unlink(addr.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_are_told_once),
		cmocka_unit_test(test_down_from_the_start),
		cmocka_unit_test(test_restart),
	};

	log_set_level(FAST_PATH_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
