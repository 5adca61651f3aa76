/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a pcapng file. Numbers are in the writer's byte order, which the section header tells.
 */
#include "pcapng.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_IF_NAME = 2,
	OPTION_IF_DESCRIPTION = 3,
	OPTION_IF_TSRESOL = 9,
	OPTION_SHB_USERAPPL = 4,
	OPTION_EPB_FLAGS = 2,
	OPTION_EPB_PACKETID = 5,
	OPTION_ISB_IFRECV = 4,
	OPTION_ISB_IFDROP = 5,
	FLAGS_INBOUND = 1,
	FLAGS_OUTBOUND = 2,
	TSRESOL_NS = 9,
	BLOCK_MAX = 8192, /* with all of a frame that the fast path copies, and options */
	TEXT_MAX = 512,
};

/* A block while it is made. What doesn't fit makes it broken. */
struct block {
	uint8_t bytes[BLOCK_MAX];
	size_t n;
	bool broken;
};

static void block_put(struct block *b, const void *bytes, size_t n)
{
	static const uint8_t zeros[4];
	size_t padding = (4 - n % 4) % 4;

	if (b->n + n + padding > sizeof(b->bytes)) {
		b->broken = true;
		return;
	}
	if (n > 0) /* an option without a value has no bytes to copy from */
		memcpy(b->bytes + b->n, bytes, n);
	memcpy(b->bytes + b->n + n, zeros, padding);
	b->n += n + padding;
}

static void block_put32(struct block *b, uint32_t word)
{
	block_put(b, &word, sizeof(word));
}

/* Two halves, the upper first. */
static void block_put_time(struct block *b, uint64_t time_ns)
{
	block_put32(b, (uint32_t)(time_ns >> 32));
	block_put32(b, (uint32_t)time_ns);
}

static void block_option(struct block *b, uint16_t code, const void *bytes, size_t n)
{
	const uint16_t head[2] = {code, (uint16_t)n};

	block_put(b, head, sizeof(head));
	block_put(b, bytes, n);
}

static void block_option_text(struct block *b, uint16_t code, const char *text)
{
	block_option(b, code, text, strnlen(text, TEXT_MAX));
}

/* Type and length; the length is set by block_end(). */
static void block_begin(struct block *b, uint32_t type)
{
	b->n = 0;
	b->broken = false;
	block_put32(b, type);
	block_put32(b, 0);
}

static int block_end(struct block *b, struct evbuffer *out)
{
	uint32_t length;

	block_option(b, OPTION_END, NULL, 0);
	length = (uint32_t)(b->n + sizeof(length));
	block_put32(b, length);
	if (b->broken)
		return -EMSGSIZE;
	memcpy(b->bytes + sizeof(uint32_t), &length, sizeof(length));
	return evbuffer_add(out, b->bytes, b->n) == 0 ? 0 : -ENOMEM;
}

static int put_interface(struct block *b, struct evbuffer *out, const char *name,
			 const char *description, uint32_t snap_bytes)
{
	const uint16_t link[2] = {LINK_ETHERNET, 0};
	const uint8_t resolution = TSRESOL_NS;

	block_begin(b, BLOCK_INTERFACE);
	block_put(b, link, sizeof(link));
	block_put32(b, snap_bytes);
	block_option_text(b, OPTION_IF_NAME, name);
	block_option_text(b, OPTION_IF_DESCRIPTION, description);
	block_option(b, OPTION_IF_TSRESOL, &resolution, sizeof(resolution));
	return block_end(b, out);
}

int pcapng_head(struct evbuffer *out, const char *program, const char *service, uint32_t snap_bytes)
{
	const uint16_t version[2] = {1, 0};
	const int64_t length_unknown = -1;
	char comment[TEXT_MAX];
	struct block b;
	int err;

	snprintf(comment, sizeof(comment), "service %s", service);
	block_begin(&b, BLOCK_SECTION);
	block_put32(&b, BYTE_ORDER_MAGIC);
	block_put(&b, version, sizeof(version));
	block_put(&b, &length_unknown, sizeof(length_unknown));
	block_option_text(&b, OPTION_COMMENT, comment);
	block_option_text(&b, OPTION_SHB_USERAPPL, program);
	err = block_end(&b, out);
	if (!err)
		err = put_interface(&b, out, "in", "packets as they came", snap_bytes);
	if (!err)
		err = put_interface(&b, out, "out", "packets as they left", snap_bytes);
	return err;
}

int pcapng_packet(struct evbuffer *out, const struct pcapng_packet *packet)
{
	const uint32_t flags = packet->interface == PCAPNG_IN ? FLAGS_INBOUND : FLAGS_OUTBOUND;
	struct block b;

	block_begin(&b, BLOCK_PACKET);
	block_put32(&b, packet->interface);
	block_put_time(&b, packet->time_ns);
	block_put32(&b, packet->bytes_n);
	block_put32(&b, packet->frame_bytes);
	block_put(&b, packet->bytes, packet->bytes_n);
	block_option_text(&b, OPTION_COMMENT, packet->comment);
	block_option(&b, OPTION_EPB_FLAGS, &flags, sizeof(flags));
	block_option(&b, OPTION_EPB_PACKETID, &packet->id, sizeof(packet->id));
	return block_end(&b, out);
}

int pcapng_tail(struct evbuffer *out, uint64_t time_ns, uint64_t written, uint64_t missed)
{
	struct block b;

	block_begin(&b, BLOCK_STATISTICS);
	block_put32(&b, PCAPNG_IN);
	block_put_time(&b, time_ns);
	block_option(&b, OPTION_ISB_IFRECV, &written, sizeof(written));
	block_option(&b, OPTION_ISB_IFDROP, &missed, sizeof(missed));
	return block_end(&b, out);
}
