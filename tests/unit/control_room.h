/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control server on a real socket, and clients of it, for its tests. Server and clients share
 * one thread: the event loop is stepped while a client waits.
 */
#ifndef SLUICE_TESTS_UNIT_CONTROL_ROOM_H
#define SLUICE_TESTS_UNIT_CONTROL_ROOM_H

#include "control.h"
#include "fake_daemon.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 20000,
};

#define SHOW "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"generation.show\"}"

static struct {
	struct fake_daemon fake;
	struct event_base *base;
	struct control *control;
	char folder[64], path[96];
} room;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One turn of the server's loop. */
static void step(void)
{
	struct timespec pause = {.tv_nsec = 200000};

	event_base_loop(room.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	nanosleep(&pause, NULL);
}

static struct control_config config(void)
{
	struct control_config c = CONTROL_CONFIG_DEFAULT;

	c.path = room.path;
	return c;
}

static void serve(const struct control_config *c)
{
	const struct daemon_api api = fake_api(&room.fake);
	char error[CONTROL_ERROR_MAX];

	if (control_new(room.base, c, &api, &room.control, error) != 0)
		fail_msg("%s", error);
}

static int setup(void **state)
{
	memset(&room, 0, sizeof(room));
	fake_init(&room.fake);
	room.base = event_base_new();
	snprintf(room.folder, sizeof(room.folder), "/tmp/sluice-control-XXXXXX");
	assert_non_null(room.base);
	assert_non_null(mkdtemp(room.folder));
	snprintf(room.path, sizeof(room.path), "%s/run/control.sock", room.folder);
	return 0;
}

static int teardown(void **state)
{
	char folder[96];

	control_free(room.control);
	event_base_free(room.base);
	model_free(room.fake.model);
	unlink(room.path);
	snprintf(folder, sizeof(folder), "%s/run", room.folder);
	rmdir(folder);
	return rmdir(room.folder);
}

static int client_connect(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", room.path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* Sends all, or what a server that closes takes. Returns how much. */
static size_t client_send(int fd, const char *bytes, size_t n_bytes)
{
	int64_t end = now_ms() + PATIENCE_MS;
	size_t sent_bytes = 0;

	while (sent_bytes < n_bytes && now_ms() < end) {
		ssize_t sent = send(fd, bytes + sent_bytes, n_bytes - sent_bytes, MSG_NOSIGNAL);

		if (sent >= 0)
			sent_bytes += (size_t)sent;
		else if (errno != EAGAIN)
			break;
		step();
	}
	return sent_bytes;
}

/* Reads until `want` bytes or the end; returns how much. *ended: the server has closed. */
static size_t client_read(int fd, char *buf, size_t want, bool *ended)
{
	int64_t end = now_ms() + PATIENCE_MS;
	size_t n_bytes = 0;

	*ended = false;
	while (n_bytes < want && !*ended && now_ms() < end) {
		ssize_t got = recv(fd, buf + n_bytes, want - n_bytes, 0);

		if (got > 0)
			n_bytes += (size_t)got;
		*ended = got == 0 || (got < 0 && errno != EAGAIN);
		if (got <= 0)
			step();
	}
	return n_bytes;
}

/* What comes up to the next line break, with it; without one if the server closes or is silent. */
static void read_line(int fd, char *line, size_t line_bytes)
{
	int64_t end = now_ms() + PATIENCE_MS;
	ssize_t got = -1;

	line[0] = 0;
	while (now_ms() < end) {
		char *line_break;

		got = recv(fd, line, line_bytes - 1, MSG_PEEK);
		line[got > 0 ? got : 0] = 0;
		line_break = strchr(line, '\n');
		if (line_break) {
			line_break[1] = 0;
			assert_int_equal(recv(fd, line, strlen(line), 0), strlen(line));
			return;
		}
		if (got == 0)
			return;
		step();
	}
}

static void expect_line(int fd, const char *want)
{
	char line[8192];

	read_line(fd, line, sizeof(line));
	if (!strstr(line, want) || line[strlen(line) - 1] != '\n')
		fail_msg("want %s in a line, got \"%s\"", want, line);
}

static inline void expect_end(int fd)
{
	char byte;
	bool ended;

	assert_int_equal(client_read(fd, &byte, 1, &ended), 0);
	assert_true(ended);
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(client_send(fd, text, strlen(text)), strlen(text));
}

/* A new client is served. */
static inline void expect_service(void)
{
	int fd = client_connect();

	send_text(fd, SHOW "\n");
	expect_line(fd, "\"generation\":");
	close(fd);
}

#endif
