/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3)'s protocol, the part that is needed.
 */
#include "notify.h"

#include "clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	int fd; /* connected; -1: nobody listens */
	uint64_t watchdog_us;
} manager = {.fd = -1};

static uint64_t env_number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* A path, or a name in the abstract namespace, which begins with @. */
static int manager_connect(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	int fd;

	if ((name[0] != '/' && name[0] != '@') || length >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, name, length);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	uint64_t pid = env_number("WATCHDOG_PID");

	notify_close();
	if (name)
		manager.fd = manager_connect(name);
	if (manager.fd >= 0 && (pid == 0 || pid == (uint64_t)getpid()))
		manager.watchdog_us = env_number("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
}

bool notify_has_manager(void)
{
	return manager.fd >= 0;
}

void notify_close(void)
{
	if (manager.fd >= 0)
		close(manager.fd);
	manager.fd = -1;
	manager.watchdog_us = 0;
}

uint64_t notify_watchdog_us(void)
{
	return manager.watchdog_us;
}

/* A manager that takes nothing for a while must not hold us up: what it missed is lost. */
static void tell(const char *text)
{
	if (manager.fd >= 0)
		(void)!send(manager.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void tell_status(const char *first, const char *format, va_list args)
{
	char text[512];
	int used = snprintf(text, sizeof(text), "%sSTATUS=", first);

	vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
	tell(text);
}

void notify_ready(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell_status("READY=1\n", format, args);
	va_end(args);
}

void notify_reloading(void)
{
	char text[80];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us());
	tell(text);
}

void notify_status(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell_status("", format, args);
	va_end(args);
}

void notify_stopping(void)
{
	tell("STOPPING=1\nSTATUS=ending");
}

void notify_alive(void)
{
	tell("WATCHDOG=1");
}
