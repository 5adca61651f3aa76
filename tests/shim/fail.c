/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes system calls of a process fail: LD_PRELOAD=sluice-fail.so, and SLUICE_FAIL names a file whose
 * one line says which, with which errno, and of how many calls one:
 *
 *	socket EMFILE 1
 *
 * An empty or missing file: none. It is read again every 20 ms, so a test switches failures on and off
 * while the process runs. How many calls were made to fail stands in the first 8 bytes of the file
 * that SLUICE_FAIL_COUNT names. libc's own calls (of getpwnam(3), say) are left alone, and what is read
 * and written by this library. For tests/net/short.sh.
 */
#undef _FILE_OFFSET_BITS /* or open() here would be open64(), which is another call */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_EVERY_NS = 20000000,
};

static const struct {
	const char *word;
	int number;
} errors[] = {
	{"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"ENOMEM", ENOMEM}, {"ENOBUFS", ENOBUFS},
	{"EAGAIN", EAGAIN}, {"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EROFS", EROFS},
};

static const char *file; /* NULL: nothing fails */
static char call[32];    /* "": none */
static int error, one_of;
static uint64_t seen, none;
static uint64_t *failures = &none; /* in the file of SLUICE_FAIL_COUNT, 8 bytes long */
static int64_t looked_ns;
static __thread bool inside; /* this thread is in here already */

/* By system calls of its own, which are not to fail. */
static void look(void)
{
	char text[128], word[32] = "", name[32] = "";
	int n = 1;
	long fd = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC), bytes;

	/* A process without a free file can't look: all stays as it was. */
	if (fd < 0 && errno != ENOENT)
		return;
	bytes = fd < 0 ? 0 : syscall(SYS_read, fd, text, sizeof(text) - 1);
	if (fd >= 0)
		syscall(SYS_close, fd);
	text[bytes > 0 ? bytes : 0] = 0;
	if (sscanf(text, "%31s %31s %d", name, word, &n) < 2)
		name[0] = 0;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].word, word) == 0)
			error = errors[i].number;
	one_of = n > 0 ? n : 1;
	strcpy(call, name);
}

static void begin(void)
{
	const char *count = getenv("SLUICE_FAIL_COUNT"), *name = getenv("SLUICE_FAIL");
	long fd = count ? syscall(SYS_openat, AT_FDCWD, count, O_RDWR | O_CLOEXEC) : -1;
	long at = fd < 0 ? -1
			 : syscall(SYS_mmap, NULL, sizeof(*failures), PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);

	if (fd >= 0)
		syscall(SYS_close, fd);
	if (at > 0)
		failures = (uint64_t *)at;
	file = name ? name : "";
}

static bool fails(const char *name)
{
	struct timespec now;
	int64_t now_ns;
	bool does;
	int before = errno;

	if (inside)
		return false;
	inside = true;
	if (!file)
		begin();
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	now_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
	if (*file && now_ns - looked_ns > LOOK_EVERY_NS) {
		looked_ns = now_ns;
		look();
	}
	does = strcmp(call, name) == 0 &&
	       __atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED) % (uint64_t)one_of == 0;
	inside = false;
	errno = before;
	if (!does)
		return false;
	__atomic_fetch_add(failures, 1, __ATOMIC_RELAXED);
	errno = error;
	return true;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* `params` as they are declared, `args` as they are passed on. */
#define CALL(type, name, params, args)                          \
	__attribute__((visibility("default"))) type name params \
	{                                                       \
		static __typeof__(&name) next;                  \
                                                                \
		if (!next)                                      \
			next = NEXT(name);                      \
		return fails(#name) ? -1 : next args;           \
	}

#define OPENING(name, params, args, path, flags)                       \
	__attribute__((visibility("default"))) int name params         \
	{                                                              \
		static int(*next) params;                              \
		mode_t mode = 0;                                       \
                                                                       \
		if (!next)                                             \
			next = (int(*) params)dlsym(RTLD_NEXT, #name); \
		if (flags & (O_CREAT | O_TMPFILE)) {                   \
			va_list list;                                  \
                                                                       \
			va_start(list, flags);                         \
			mode = va_arg(list, mode_t);                   \
			va_end(list);                                  \
		}                                                      \
		return fails("open") ? -1 : next args;                 \
	}

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, accept4, (int fd, struct sockaddr *addr, socklen_t *bytes, int flags),
     (fd, addr, bytes, flags))
CALL(int, bind, (int fd, const struct sockaddr *addr, socklen_t bytes), (fd, addr, bytes))
CALL(int, connect, (int fd, const struct sockaddr *addr, socklen_t bytes), (fd, addr, bytes))
CALL(ssize_t, send, (int fd, const void *data, size_t n, int flags), (fd, data, n, flags))
CALL(ssize_t, sendto,
     (int fd, const void *data, size_t n, int flags, const struct sockaddr *to, socklen_t bytes),
     (fd, data, n, flags, to, bytes))
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
CALL(ssize_t, recv, (int fd, void *data, size_t n, int flags), (fd, data, n, flags))
CALL(ssize_t, recvfrom,
     (int fd, void *data, size_t n, int flags, struct sockaddr *from, socklen_t *bytes),
     (fd, data, n, flags, from, bytes))
CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
CALL(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t bytes),
     (fd, level, name, value, bytes))
CALL(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *bytes),
     (fd, level, name, value, bytes))
CALL(int, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *event), (epoll, op, fd, event))
CALL(int, poll, (struct pollfd * fds, nfds_t n, int timeout_ms), (fds, n, timeout_ms))
CALL(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n))
CALL(ssize_t, writev, (int fd, const struct iovec *data, int n), (fd, data, n))
CALL(ssize_t, read, (int fd, void *data, size_t n), (fd, data, n))
CALL(ssize_t, readv, (int fd, const struct iovec *data, int n), (fd, data, n))
CALL(int, fsync, (int fd), (fd))
CALL(int, rename, (const char *from, const char *to), (from, to))
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(int, unlink, (const char *path), (path))
CALL(pid_t, fork, (void), ())

OPENING(open, (const char *path, int flags, ...), (path, flags, mode), path, flags)
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode), path, flags)
OPENING(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode), path, flags)
OPENING(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode), path,
	flags)

__attribute__((visibility("default"))) FILE *fopen(const char *path, const char *mode)
{
	static __typeof__(&fopen) next;

	if (!next)
		next = NEXT(fopen);
	return fails("open") ? NULL : next(path, mode);
}

__attribute__((visibility("default"))) FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

__attribute__((visibility("default"))) DIR *opendir(const char *path)
{
	static __typeof__(&opendir) next;

	if (!next)
		next = NEXT(opendir);
	return fails("open") ? NULL : next(path);
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int fd, unsigned long request, void *arg);
	va_list list;
	void *arg;

	if (!next)
		next = (int (*)(int, unsigned long, void *))dlsym(RTLD_NEXT, "ioctl");
	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	return fails("ioctl") ? -1 : next(fd, request, arg);
}

/* bpf(2) alone, by which libbpf reaches the kernel. */
__attribute__((visibility("default"))) long syscall(long number, ...)
{
	static long (*next)(long number, long a, long b, long c, long d, long e, long f);
	long args[6];
	va_list list;

	if (!next)
		next = (long (*)(long, long, long, long, long, long, long))dlsym(RTLD_NEXT,
										 "syscall");
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && fails("bpf"))
		return -1;
	return next(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
