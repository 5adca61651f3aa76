/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says to the process that makes checks whom to check. What waits to be said is a list of services, each
 * once, of which the newest version is said when its turn comes: so it can't grow, however slow the
 * process is. Control thread.
 */
#include "health_internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "shortage.h"

bool health_post_say(struct health *h, uint32_t kind, struct wire_head head, const void *bytes,
		     size_t n)
{
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)bytes, n}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = n ? 2 : 1};

	head.kind = kind;
	if (h->fd < 0)
		return true; /* there is nobody to say it to */
	if (sendmsg(h->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	shortage_note(SHORTAGE_HEALTH, errno == EAGAIN ? 0 : errno);
	return false;
}

/* ---- an image ---- */

static bool image_make(struct health *h, const struct health_line *line)
{
	const struct service_conf *conf = line->group->conf;

	h->image_bytes = image_bytes(conf);
	h->image_at = 0;
	h->image = calloc(1, h->image_bytes);
	if (!h->image)
		return false;
	memcpy(h->image, conf, image_seats_at(conf));
	((struct service_conf *)(void *)h->image)->index = NULL; /* is memory of ours */
	for (uint32_t i = 0; i < conf->backends_n; i++) {
		uint32_t slot = line->group->slots[i];
		const struct image_seat seat = {
			.slot = slot, .tenant = h->seats[slot].tenant, .out = h->seats[slot].out};
		struct vip_outer outer;

		memcpy(h->image + image_seats_at(conf) + i * sizeof(seat), &seat, sizeof(seat));
		/* Not checked, for want of a slot or since it has no checks. */
		if (slot == 0)
			((struct service_conf *)(void *)h->image)->backends[i].health.off = true;
		if (conf->health.via != HEALTH_VIA_VIP)
			continue;
		h->ops->outer(h->ops->ctx, conf, &conf->backends[i], &outer);
		memcpy(h->image + image_outers_at(conf) + i * sizeof(outer), &outer, sizeof(outer));
	}
	return true;
}

/* What is left of it. False: there is no room. */
static bool image_send(struct health *h)
{
	while (h->image_at < h->image_bytes) {
		size_t n = h->image_bytes - h->image_at;

		if (n > WIRE_PART_BYTES)
			n = WIRE_PART_BYTES;
		if (!health_post_say(h, WIRE_IMAGE_PART, (struct wire_head){0},
				     h->image + h->image_at, n))
			return false;
		h->image_at += n;
	}
	free(h->image);
	h->image = NULL;
	return true;
}

/* ---- the post ---- */

static bool line_send(struct health *h, struct health_line *line)
{
	if (!line->group) {
		if (!health_post_say(h, WIRE_GONE, (struct wire_head){.id = line->id}, NULL, 0))
			return false;
		STAILQ_REMOVE_HEAD(&h->post, link);
		h->lines[line->id] = NULL;
		h->lines_used--;
		free(line);
		return true;
	}
	if (!image_make(h, line))
		return false;
	if (!health_post_say(h, WIRE_IMAGE,
			     (struct wire_head){.id = line->id, .bytes = h->image_bytes}, NULL,
			     0)) {
		free(h->image);
		h->image = NULL;
		return false;
	}
	STAILQ_REMOVE_HEAD(&h->post, link);
	line->waits = false;
	return true;
}

/* The next thing. False: there is no room; *done: nothing is left. */
static bool next_send(struct health *h, bool *done)
{
	if (!h->reset_said)
		return h->reset_said =
			       health_post_say(h, WIRE_RESET, (struct wire_head){0}, NULL, 0);
	if (!h->files_said)
		return h->files_said = health_post_say(h, WIRE_FILES,
						       (struct wire_head){.id = h->files}, NULL, 0);
	if (h->image)
		return image_send(h);
	if (!STAILQ_EMPTY(&h->post)) {
		h->applied = false;
		return line_send(h, STAILQ_FIRST(&h->post));
	}
	if (!h->applied)
		return h->applied = health_post_say(h, WIRE_APPLY, (struct wire_head){0}, NULL, 0);
	*done = true;
	return true;
}

void health_post_send(struct health *h)
{
	bool done = false;

	if (h->fd < 0)
		return;
	while (!done)
		if (!next_send(h, &done)) {
			event_add(h->writable, NULL); /* or the next tick */
			return;
		}
}

static void line_wait(struct health *h, struct health_line *line)
{
	if (line->waits)
		return;
	line->waits = true;
	STAILQ_INSERT_TAIL(&h->post, line, link);
}

void health_post_again(struct health *h)
{
	free(h->image);
	h->image = NULL;
	h->reset_said = h->files_said = h->applied = false;
	for (uint32_t id = 0; id < h->lines_n; id++)
		if (h->lines[id])
			line_wait(h, h->lines[id]);
	health_post_send(h);
}

/* An id that nobody has: there is one, since there is no place in `lines` for another otherwise. */
static int line_place(struct health *h, struct health_line *line)
{
	struct health_line **lines;

	if (h->lines_used == h->lines_n) {
		uint32_t n = h->lines_n ? 2 * h->lines_n : 64;

		lines = realloc(h->lines, n * sizeof(struct health_line *));
		if (!lines)
			return -ENOMEM;
		memset(lines + h->lines_n, 0, (n - h->lines_n) * sizeof(struct health_line *));
		h->line_cursor = h->lines_n;
		h->lines = lines;
		h->lines_n = n;
	}
	while (h->lines[h->line_cursor % h->lines_n])
		h->line_cursor++;
	line->id = h->line_cursor++ % h->lines_n;
	h->lines[line->id] = line;
	h->lines_used++;
	return 0;
}

int health_post_group(struct health *h, struct health_group *group)
{
	if (!group->line) {
		group->line = calloc(1, sizeof(*group->line));
		if (!group->line)
			return -ENOMEM;
		if (line_place(h, group->line) != 0) {
			free(group->line);
			group->line = NULL;
			return -ENOMEM;
		}
	}
	group->line->group = group;
	line_wait(h, group->line);
	return 0;
}

void health_post_gone(struct health *h, struct health_line *line)
{
	if (!line)
		return;
	line->group = NULL;
	line_wait(h, line);
}

void health_post_free(struct health *h)
{
	free(h->image);
	for (uint32_t id = 0; id < h->lines_n; id++)
		free(h->lines[id]);
	free(h->lines);
}
