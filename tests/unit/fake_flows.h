/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fake daemon tells of flows: previews and lists, in steps. Part of fake_daemon.h.
 */
#ifndef SLUICE_TESTS_UNIT_FAKE_FLOWS_H
#define SLUICE_TESTS_UNIT_FAKE_FLOWS_H

struct daemon_preview_walk {
	const struct fake_daemon *fake;
	struct daemon_preview rows[16];
	uint32_t n;
	int steps;
};

static int fake_preview_begin(void *ctx, const struct model *next, struct daemon_preview_walk **out)
{
	const struct fake_daemon *fake = ctx;
	struct daemon_preview_walk *walk = calloc(1, sizeof(*walk));

	walk->fake = fake;
	for (uint32_t i = 0; i < fake->model->services_n; i++) {
		const struct service_conf *old = fake->model->services[i];
		const struct service_conf *new = model_find(next, old->name);
		struct daemon_preview *row = &walk->rows[walk->n];

		if (new == old || walk->n == sizeof(walk->rows) / sizeof(walk->rows[0]))
			continue;
		*row = (struct daemon_preview){.slots = new ? new->slots : 0,
					       .slots_moved = 154,
					       .flows_touched = 12,
					       .flows_cut = 5,
					       .moved_without = 0.75,
					       .moved_with = 0.125,
					       .transition_s = 300};
		snprintf(row->service, MODEL_NAME_MAX, "%s", old->name);
		walk->n++;
	}
	*out = walk;
	return 0;
}

/* Two steps. */
static int fake_preview_next(struct daemon_preview_walk *walk)
{
	return walk->fake->read_rc < 0 ? walk->fake->read_rc : walk->steps++ == 0;
}

static bool fake_preview_row(const struct daemon_preview_walk *walk, uint32_t i,
			     struct daemon_preview *row)
{
	if (i < walk->n)
		*row = walk->rows[i];
	return i < walk->n;
}

static void fake_preview_end(struct daemon_preview_walk *walk)
{
	free(walk);
}

struct daemon_flow_walk {
	const struct fake_daemon *fake;
	struct daemon_flow_filter filter;
	uint64_t at, matching;
};

static struct daemon_flow_walk *fake_flows_begin(void *ctx, const struct daemon_flow_filter *filter)
{
	struct daemon_flow_walk *walk = calloc(1, sizeof(*walk));

	*walk = (struct daemon_flow_walk){.fake = ctx, .filter = *filter};
	return walk;
}

/* Three a step. */
static int fake_flows_next(struct daemon_flow_walk *walk,
			   void (*each)(void *each_ctx, const struct daemon_flow *flow),
			   void *each_ctx, uint64_t *matching)
{
	const struct fake_daemon *fake = walk->fake;
	const struct service_conf *web = model_find(fake->model, "web");
	uint64_t end = walk->at + 3 < fake->flows ? walk->at + 3 : fake->flows;

	for (; walk->at < end; walk->at++) {
		struct daemon_flow flow = {.hash = 0x0123456789abcdef + walk->at,
					   .service = web,
					   .backend = walk->at == 1 ? NULL : &web->backends[0],
					   .state = MEMORY_SYN,
					   .idle_s = 4,
					   .worker = 1};

		if ((!walk->filter.service || walk->filter.service == flow.service) &&
		    (!walk->filter.backend || walk->filter.backend == flow.backend) &&
		    walk->matching++ < walk->filter.limit)
			each(each_ctx, &flow);
	}
	*matching = walk->matching;
	return fake->read_rc < 0 ? fake->read_rc : walk->at < fake->flows;
}

static void fake_flows_end(struct daemon_flow_walk *walk)
{
	free(walk);
}

#endif
