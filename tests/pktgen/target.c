/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the generator sends to: parsing, and who gets which flow. Any thread.
 */
#include "target.h"
#include "headers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes "ADDRESS:" off the text; returns what follows, or NULL. */
static const char *address_take(const char *text, struct address *address)
{
	const char *end = *text == '[' ? strchr(text, ']') : strchr(text, ':');
	const char *start = text + (*text == '[');
	char copy[ADDRESS_TEXT_MAX];
	size_t bytes;

	if (!end || (*text == '[' && end[1] != ':'))
		return NULL;
	bytes = (size_t)(end - start);
	if (bytes >= sizeof(copy))
		return NULL;
	memcpy(copy, start, bytes);
	copy[bytes] = '\0';
	if (!address_parse(copy, address) || address->v6 != (*text == '['))
		return NULL;
	return end + (*text == '[' ? 2 : 1);
}

static const char *number_take(const char *text, unsigned long min, unsigned long max,
			       unsigned long *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*value = strtoul(text, &end, 10);
	return *value >= min && *value <= max ? end : NULL;
}

static const char *proto_take(const char *text, uint8_t *proto)
{
	if (strncmp(text, "/tcp", 4) == 0)
		*proto = PROTO_TCP;
	else if (strncmp(text, "/udp", 4) == 0)
		*proto = PROTO_UDP;
	else
		return NULL;
	return text + 4;
}

static int append(struct targets *targets, struct target target, uint32_t count)
{
	struct target *list;

	if (count > TARGETS_MAX - targets->n)
		return -E2BIG;
	list = realloc(targets->list, (targets->n + count) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	targets->list = list;
	for (uint32_t i = 0; i < count; i++) {
		list[targets->n++] = target;
		address_add(&target.address, 1);
	}
	return 0;
}

int targets_add(struct targets *targets, const char *text)
{
	struct target target = {0};
	unsigned long port, count = 1, share = 1;

	text = address_take(text, &target.address);
	if (text)
		text = number_take(text, 1, 65535, &port);
	if (text)
		text = proto_take(text, &target.proto);
	if (text && *text == '*')
		text = number_take(text + 1, 1, TARGETS_MAX, &count);
	if (text && *text == '@')
		text = number_take(text + 1, 1, 65535, &share);
	if (!text || *text != '\0')
		return -EINVAL;
	target.port = (uint16_t)port;
	target.share = (uint16_t)share;
	return append(targets, target, (uint32_t)count);
}

int targets_wheel(struct targets *targets)
{
	uint64_t shares = 0;
	uint32_t most = 0;

	for (uint32_t i = 0; i < targets->n; i++) {
		shares += targets->list[i].share;
		if (targets->list[i].share > most)
			most = targets->list[i].share;
	}
	if (shares > TARGETS_WHEEL_MAX)
		return -E2BIG;
	targets->wheel = calloc(shares + 1, sizeof(*targets->wheel));
	if (!targets->wheel)
		return -ENOMEM;
	/* Round by round, so that a short run touches all of them. */
	for (uint32_t round = 0; round < most; round++)
		for (uint32_t i = 0; i < targets->n; i++)
			if (targets->list[i].share > round)
				targets->wheel[targets->wheel_n++] = i;
	return 0;
}

void targets_free(struct targets *targets)
{
	free(targets->list);
	free(targets->wheel);
	*targets = (struct targets){0};
}
