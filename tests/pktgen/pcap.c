/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files. Before the run.
 */
#include "pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_HEADER_BYTES = 24,
	PACKET_HEADER_BYTES = 16,
	LINK_ETHERNET = 1,
};

static const uint32_t magic_us = 0xa1b2c3d4, magic_ns = 0xa1b23c4d;

static uint32_t word(const struct pcap *p, size_t at)
{
	uint32_t value;

	memcpy(&value, p->bytes + at, sizeof(value));
	return p->swapped ? __builtin_bswap32(value) : value;
}

static bool header_is_right(struct pcap *p)
{
	uint32_t magic;

	if (p->n < FILE_HEADER_BYTES)
		return false;
	magic = word(p, 0);
	if (magic == __builtin_bswap32(magic_us) || magic == __builtin_bswap32(magic_ns)) {
		p->swapped = true;
		magic = word(p, 0);
	}
	/* The upper 16 bits tell of a frame check sequence. */
	return (magic == magic_us || magic == magic_ns) && (word(p, 20) & 0xffff) == LINK_ETHERNET;
}

int pcap_open(struct pcap *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = -EINVAL;
	struct stat stat;
	void *bytes;

	*p = (struct pcap){0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) < 0) {
		ret = -errno;
		goto err_close;
	}
	if (!S_ISREG(stat.st_mode) || stat.st_size == 0)
		goto err_close;
	bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED) {
		ret = -errno;
		goto err_close;
	}
	close(fd);
	p->bytes = bytes;
	p->n = (size_t)stat.st_size;
	p->at = FILE_HEADER_BYTES;
	if (header_is_right(p))
		return 0;
	pcap_close(p);
	return -EINVAL;

err_close:
	close(fd);
	return ret;
}

void pcap_close(struct pcap *p)
{
	if (p->bytes)
		munmap((void *)(uintptr_t)p->bytes, p->n);
	*p = (struct pcap){0};
}

int pcap_next(struct pcap *p, const uint8_t **packet, uint32_t *bytes)
{
	uint32_t whole_bytes;

	if (p->at == p->n)
		return 0;
	if (p->n - p->at < PACKET_HEADER_BYTES)
		return -EINVAL;
	*bytes = word(p, p->at + 8);
	whole_bytes = word(p, p->at + 12);
	*packet = p->bytes + p->at + PACKET_HEADER_BYTES;
	if (*bytes > p->n - p->at - PACKET_HEADER_BYTES)
		return -EINVAL;
	p->at += PACKET_HEADER_BYTES + *bytes;
	return *bytes < whole_bytes ? -EMSGSIZE : 1;
}
