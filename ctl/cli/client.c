/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to sluiced over its control socket, with one answer, or with notifications behind it.
 * Called by cli.c and others.
 */
#include "client.h"

#include "clock.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Waits until the socket is ready. Returns 0 or -errno. */
static int wait_for(int fd, short events, int64_t end_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left_ms = end_ms == INT64_MAX ? -1 : end_ms - clock_now_us() / 1000;
		int rc = poll(&p, 1, left_ms > 0 || end_ms == INT64_MAX ? (int)left_ms : 0);

		if (rc > 0)
			return 0;
		if (rc == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static void explain_access(const char *path, char error[CLIENT_ERROR_MAX])
{
	struct stat st;
	const struct group *group = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;

	if (group && st.st_gid != 0)
		snprintf(
			error, CLIENT_ERROR_MAX,
			"%s: permission denied: the socket is for root and the group %s; run this "
			"as root, or join the group (usermod -aG %s USER) and log in anew, or open "
			"reading to others in sluiced's config (control.read_socket)",
			path, group->gr_name, group->gr_name);
	else
		snprintf(error, CLIENT_ERROR_MAX,
			 "%s: permission denied: the socket is for root; run this as root, or make "
			 "the group that sluiced's config names (control.group) and join it, or "
			 "open reading to others (control.read_socket)",
			 path);
}

static int explain(int rc, const char *path, char error[CLIENT_ERROR_MAX])
{
	switch (rc) {
	case -ENOENT:
		snprintf(error, CLIENT_ERROR_MAX,
			 "no socket %s: sluiced is not running, or listens elsewhere; start it "
			 "(systemctl start sluiced), or name its socket with --socket",
			 path);
		break;
	case -ECONNREFUSED:
		snprintf(error, CLIENT_ERROR_MAX,
			 "nobody answers on %s: sluiced has ended; start it "
			 "(systemctl start sluiced), or name its socket with --socket",
			 path);
		break;
	case -EACCES:
	case -EPERM:
		explain_access(path, error);
		break;
	case -ETIMEDOUT:
		snprintf(
			error, CLIENT_ERROR_MAX,
			"%s: no answer in time; sluiced's log may tell why (journalctl -u sluiced)",
			path);
		break;
	default:
		snprintf(error, CLIENT_ERROR_MAX, "%s: %s", path, strerror(-rc));
	}
	return rc;
}

/* Returns a connected socket that never blocks, or -errno. */
static int connect_to(const char *path, int64_t end_ms)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: the daemon's queue is full; that can't be waited for. */
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		const struct timespec pause = {.tv_nsec = 20000000};

		rc = errno == EAGAIN && clock_now_us() / 1000 > end_ms ? -ETIMEDOUT : -errno;
		if (rc != -EAGAIN && rc != -EINTR) {
			close(fd);
			return rc;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* The socket for readers is status.sock, in the folder of the one that is not for us. Returns as
 * connect_to(); -EACCES: there is none, or it is not for us either. */
static int connect_beside(const char *path, int64_t end_ms)
{
	const char *slash = strrchr(path, '/');
	char *beside;
	int fd;

	if (asprintf(&beside, "%.*sstatus.sock", slash ? (int)(slash - path) + 1 : 0, path) < 0)
		return -ENOMEM;
	fd = connect_to(beside, end_ms);
	free(beside);
	return fd == -ENOENT || fd == -ECONNREFUSED ? -EACCES : fd;
}

/* A daemon that closes early has said why before: then what could not be sent is no matter. */
static int send_all(int fd, const char *bytes, size_t n_bytes, int64_t end_ms)
{
	while (n_bytes > 0) {
		ssize_t sent = send(fd, bytes, n_bytes, MSG_NOSIGNAL);
		int rc;

		if (sent >= 0) {
			bytes += sent;
			n_bytes -= (size_t)sent;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0;
		} else if (errno == EAGAIN) {
			rc = wait_for(fd, POLLOUT, end_ms);
			if (rc < 0)
				return rc;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* What came and was not read yet; zeroed at first. */
struct input {
	char *buf; /* for the caller to free */
	size_t bytes, room_bytes;
	size_t read_bytes; /* of the line read last, with its break */
};

/* Returns 0 with a line in *line (of *line_bytes, without its break), valid until the next call;
 * -EPROTO: nothing comes any more; another -errno. end_ms INT64_MAX: waits for as long as it takes. */
static int receive_line(int fd, struct input *in, const char **line, size_t *line_bytes,
			int64_t end_ms)
{
	size_t searched_bytes = 0;
	int rc = 0;

	in->bytes -= in->read_bytes;
	if (in->read_bytes > 0)
		memmove(in->buf, in->buf + in->read_bytes, in->bytes);
	in->read_bytes = 0;
	while (rc == 0) {
		char *end = in->bytes > searched_bytes ? memchr(in->buf + searched_bytes, '\n',
								in->bytes - searched_bytes)
						       : NULL;
		ssize_t got;

		if (end) {
			*line = in->buf;
			*line_bytes = (size_t)(end - in->buf);
			in->read_bytes = *line_bytes + 1;
			return 0;
		}
		searched_bytes = in->bytes;
		if (in->bytes == in->room_bytes) {
			char *more = realloc(in->buf, in->room_bytes += in->room_bytes + 65536);

			if (!more)
				return -ENOMEM;
			in->buf = more;
		}
		got = recv(fd, in->buf + in->bytes, in->room_bytes - in->bytes, 0);
		if (got > 0)
			in->bytes += (size_t)got;
		else if (got < 0 && errno == EAGAIN)
			rc = wait_for(fd, POLLIN, end_ms);
		else if (got == 0 || errno != EINTR)
			rc = got == 0 ? -EPROTO : -errno;
	}
	return rc;
}

/* The request as a line, to be freed, or NULL. Takes it over. */
static char *format_line(json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *line = NULL;

	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	json_decref(request);
	return line;
}

/* The next line as JSON: a new reference. Returns 0 or -errno, as receive_line. */
static int receive_json(int fd, struct input *in, json_t **object, int64_t end_ms)
{
	const char *line = NULL;
	size_t line_bytes = 0;
	int rc = receive_line(fd, in, &line, &line_bytes, end_ms);

	if (rc < 0)
		return rc;
	*object = json_loadb(line, line_bytes, 0, NULL);
	return *object ? 0 : -EPROTO;
}

/* Sends the request and reads the answer. Returns the connection, or -errno. */
static int exchange(const char *path, const char *method, json_t *params, int timeout_ms,
		    struct input *in, json_t **answer)
{
	int64_t end_ms = clock_now_us() / 1000 + timeout_ms;
	char *out = format_line(json_pack("{s:s, s:i, s:s, s:O}", "jsonrpc", "2.0", "id", 1,
					  "method", method, "params", params));
	int fd, rc;

	if (!out)
		return -ENOMEM;
	fd = connect_to(path, end_ms);
	if (fd == -EACCES)
		fd = connect_beside(path, end_ms);
	rc = fd;
	if (fd < 0)
		goto err_free;
	rc = send_all(fd, out, strlen(out), end_ms);
	if (rc == 0)
		rc = receive_json(fd, in, answer, end_ms);
	if (rc < 0)
		close(fd);
err_free:
	free(out);
	return rc < 0 ? rc : fd;
}

static int refusal_errno(const json_t *refusal)
{
	enum { NOT_FOUND = -32002 }; /* docs/control.md: no such service or backend */

	if (!refusal)
		return -EPROTO;
	return json_integer_value(json_object_get(refusal, "code")) == NOT_FOUND ? -ESRCH
										 : -EREMOTEIO;
}

/* The connection, on which *result was answered, or -errno with a text, as client_request. */
static int ask(const char *socket_path, const char *method, json_t *params, int timeout_ms,
	       struct input *in, json_t **result, char error[CLIENT_ERROR_MAX])
{
	json_t *answer = NULL, *refusal;
	int fd = exchange(socket_path, method, params, timeout_ms, in, &answer), rc = 0;

	if (fd == -EPROTO)
		snprintf(error, CLIENT_ERROR_MAX, "%s: what came is no answer of sluiced's",
			 socket_path);
	if (fd == -EPROTO)
		return fd;
	if (fd < 0)
		return explain(fd, socket_path, error);
	*result = json_incref(json_object_get(answer, "result"));
	refusal = json_object_get(answer, "error");
	if (!*result) {
		const char *text = json_string_value(json_object_get(refusal, "message"));

		snprintf(error, CLIENT_ERROR_MAX, "%s", text ? text : "refused, without a reason");
		rc = refusal_errno(refusal);
	}
	json_decref(answer);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

int client_request(const char *socket_path, const char *method, json_t *params, int timeout_ms,
		   json_t **result, char error[CLIENT_ERROR_MAX])
{
	struct input in = {.buf = NULL};
	int fd = ask(socket_path, method, params, timeout_ms, &in, result, error);

	free(in.buf);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int client_follow(const char *socket_path, const char *method, json_t *params, client_each *each,
		  void *ctx, char error[CLIENT_ERROR_MAX])
{
	struct input in = {.buf = NULL};
	json_t *object = NULL;
	int fd = ask(socket_path, method, params, CLIENT_TIMEOUT_MS, &in, &object, error);
	int rc = fd;

	if (fd < 0)
		goto err_free;
	do {
		json_decref(object);
		object = NULL;
		rc = receive_json(fd, &in, &object, INT64_MAX);
	} while (rc == 0 && each(ctx, json_string_value(json_object_get(object, "method")),
				 json_object_get(object, "params")));
	if (rc == -EPROTO)
		snprintf(error, CLIENT_ERROR_MAX, "sluiced has ended, or closed the connection");
	else if (rc < 0)
		explain(rc, socket_path, error);
	json_decref(object);
	close(fd);
err_free:
	free(in.buf);
	return rc;
}
