/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets of a capture file. Packet path of the generator, but for create and destroy.
 */
#include "replay.h"
#include "bytes.h"
#include "frame.h"
#include "ledger.h"
#include "replay_table.h"

#include <errno.h>
#include <stdlib.h>

static const uint64_t none = UINT64_MAX;
static const uint64_t window = 1ULL << LEDGER_WINDOW_LOG2;

static int packets_count(struct pcap *file, uint32_t *n)
{
	const uint8_t *frame;
	size_t start = file->at;
	uint32_t bytes;
	int ret;

	for (*n = 0; (ret = pcap_next(file, &frame, &bytes)) > 0; ++*n)
		if (bytes > FRAME_MAX_BYTES || bytes < ETH_BYTES) {
			ret = -EFBIG;
			break;
		}
	if (ret < 0)
		++*n; /* counted from 1 */
	file->at = start;
	return ret;
}

/* Flow and bytes of the packet; `packet->expected` says whether it is one that is balanced. */
static void packet_learn(struct replay *r, struct replay_packet *packet,
			 struct replay_table *by_flow)
{
	static const struct decode_rules rules = {.plain = true};
	struct decoded d = {0};
	uint8_t tuple[16 * 2 + 5] = {0};
	bool v6;
	uint32_t l4, addresses_bytes;

	if (decode_outer(&rules, packet->frame, packet->bytes, &d) != DECODE_OK)
		return;
	v6 = d.inner[0] >> 4 == 6;
	l4 = v6 ? IP6_BYTES : (d.inner[0] & 15U) * 4;
	addresses_bytes = v6 ? 32 : 8;
	tuple[32] = d.inner[v6 ? 6 : 9];
	if ((tuple[32] != PROTO_TCP && tuple[32] != PROTO_UDP) || d.inner_bytes < l4 + UDP_BYTES ||
	    (!v6 && (bytes_get16(d.inner + 6) & 0x3fff)))
		return;
	memcpy(tuple, d.inner + (v6 ? 8 : 12), addresses_bytes);
	memcpy(tuple + 33, d.inner + l4, 4);
	packet->expected = true;
	packet->place = replay_table_add(by_flow, replay_hash(tuple, sizeof(tuple)));
	packet->group = replay_table_add(r->by_bytes, replay_hash(d.inner, d.inner_bytes));
}

static int packets_read(struct replay *r)
{
	struct replay_table *by_flow = replay_table_new(r->n);

	if (!by_flow)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->n; i++) {
		struct replay_packet *packet = &r->packets[i];

		if (pcap_next(&r->file, &packet->frame, &packet->bytes) <= 0)
			break;
		packet_learn(r, packet, by_flow);
		if (packet->bytes > r->longest_bytes)
			r->longest_bytes = packet->bytes;
	}
	r->places = replay_table_count(by_flow);
	r->groups_n = replay_table_count(r->by_bytes);
	replay_table_free(by_flow);
	return r->places > 0 ? 0 : -ENODATA;
}

int replay_create(struct replay *r, const char *path, uint32_t *packet)
{
	int ret;

	memset(r, 0, sizeof(*r));
	*packet = 0;
	ret = pcap_open(&r->file, path);
	if (ret < 0)
		return ret;
	ret = packets_count(&r->file, &r->n);
	*packet = r->n;
	if (ret < 0)
		goto err_destroy;
	ret = -ENOMEM;
	r->packets = calloc(r->n + 1, sizeof(*r->packets));
	r->by_bytes = replay_table_new(r->n);
	r->later = calloc(window, sizeof(*r->later));
	if (!r->packets || !r->by_bytes || !r->later)
		goto err_destroy;
	ret = packets_read(r);
	if (ret < 0)
		goto err_destroy;
	r->groups = malloc(r->groups_n * sizeof(*r->groups));
	if (!r->groups) {
		ret = -ENOMEM;
		goto err_destroy;
	}
	for (uint32_t i = 0; i < r->n; i++)
		if (r->packets[i].expected)
			r->groups[r->packets[i].group] =
				(struct replay_group){none, none, none, r->packets[i].place};
	return 0;

err_destroy:
	replay_destroy(r);
	return ret;
}

void replay_destroy(struct replay *r)
{
	pcap_close(&r->file);
	free(r->packets);
	replay_table_free(r->by_bytes);
	free(r->groups);
	free(r->later);
	memset(r, 0, sizeof(*r));
}

struct source_packet replay_next(struct replay *r)
{
	const struct replay_packet *packet = &r->packets[r->next];

	return (struct source_packet){
		.bytes = packet->bytes,
		.place = packet->place,
		.expected = packet->expected,
	};
}

void replay_write(struct replay *r, const struct source_packet *packet, uint64_t number,
		  uint8_t *out)
{
	const struct replay_packet *p = &r->packets[r->next];

	memcpy(out, p->frame, packet->bytes);
	if (++r->next == r->n) {
		r->next = 0;
		r->loops++;
	}
	if (!p->expected)
		return;
	r->later[number & (window - 1)] = none;
	if (r->groups[p->group].oldest == none)
		r->groups[p->group].oldest = number;
	else
		r->later[r->groups[p->group].newest & (window - 1)] = number;
	r->groups[p->group].newest = number;
}

/* Drops what is lost from the front: what has left the window, or was sent too long ago. */
static void group_trim(struct replay *r, struct replay_group *group, const struct ledger *ledger,
		       uint64_t lost_tsc)
{
	while (group->oldest != none) {
		uint64_t number = group->oldest;

		if (ledger->next - number > window) /* where it led to is overwritten */
			group->oldest =
				ledger->next - group->newest > window ? none : group->newest;
		else if (ledger->sent_tsc[number & (window - 1)] < lost_tsc)
			group->oldest = r->later[number & (window - 1)];
		else
			return;
		if (group->oldest == number) /* it was the newest, too */
			group->oldest = none;
	}
}

/*
 * Takes the oldest of the group that its flow has not been past yet: an older one was lost, or the
 * flow is out of order, which it is taken for only if there is no other.
 */
static uint64_t group_take(struct replay *r, struct replay_group *group,
			   const struct ledger *ledger, uint64_t lost_tsc)
{
	uint64_t passed = ledger_passed(ledger, group->place, 0), before = none, number;

	group_trim(r, group, ledger, lost_tsc);
	if (group->oldest == none)
		return group->returned; /* came back before: the ledger will say so */
	for (number = group->oldest; number < passed && number != group->newest;) {
		before = number;
		number = r->later[number & (window - 1)];
	}
	if (number < passed) {
		before = none;
		number = group->oldest;
	}
	if (before == none)
		group->oldest = number == group->newest ? none : r->later[number & (window - 1)];
	else
		r->later[before & (window - 1)] = r->later[number & (window - 1)];
	if (number == group->newest && before != none)
		group->newest = before;
	return number;
}

bool replay_match(struct replay *r, const struct decoded *d, const struct ledger *ledger,
		  uint64_t lost_tsc, struct source_match *match)
{
	struct replay_group *group;
	uint32_t index;

	if (!replay_table_find(r->by_bytes, replay_hash(d->inner, d->inner_bytes), &index))
		return false;
	group = &r->groups[index];
	*match = (struct source_match){.place = group->place};
	match->number = group_take(r, group, ledger, lost_tsc);
	if (match->number == none)
		return false; /* its turn has not come yet */
	group->returned = match->number;
	return true;
}
