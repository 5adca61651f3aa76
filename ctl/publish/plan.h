/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service is to become: its slots, marks and previous choices, computed in ordinary memory
 * from what was asked for and from what it was. Changes nothing, so a preview can throw it away;
 * installed.h lays it out. Control thread.
 */
#ifndef SLUICE_PLAN_H
#define SLUICE_PLAN_H

#include "drain.h"
#include "indices.h"
#include "model.h"
#include "part.h"

/* A backend's, beside what was asked for; goes on from one version of the service to the next. */
struct course {
	uint16_t index;  /* SLOT_NONE: it doesn't live */
	uint16_t load;   /* least-conn: as the entry says */
	uint32_t step;   /* of slow start, 1 to slow_start_steps(): so many of them of its weight */
	int64_t ramp_us; /* when its slow start began; 0: none is under way */
	struct drain drain;
	bool down; /* its checks say so: publisher_health_set(); or none has yet, and start is "down" */
	bool unreachable;  /* it has had no next hop for longer than unresolved_s: reach.h */
	int64_t unsent_us; /* since when packets can't be sent to it; 0: they can, or who knows */
	/* For one of these it takes no new flows; not so where all are down and all_down is "all". */
	bool out;
	bool last_resort; /* down, but it takes flows, since all are down and all_down is "all" */
	/*
	 * Out, but not yet cut, since then: it was a last resort, whose flows may well be answered, until
	 * another backend came up. Ends after plan_spare_us(). 0: not so.
	 */
	int64_t spared_us;
};

/* Where a service is between two steady states. */
struct phase {
	int64_t changed_us, changed_real_us; /* when a slot last moved; 0: never */
	int64_t previous_seen_us; /* when a remembered flow was last seen on a previous choice */
	uint32_t changed_slots;   /* with SLOT_CHANGED */
	uint32_t previous_slots;  /* with a previous choice, by today's way or the one before: a
				   * transition is under way */
};

/* What a service was. Pointers are the caller's. */
struct former {
	const struct service_conf *conf; /* NULL: not known, another process made it */
	const struct course *courses;    /* of conf->backends */
	const uint32_t *backend_rows;    /* of conf->backends; NULL: not known */
	uint32_t row, vip_row;           /* with backend_rows */
	/* Of the backends that are to be: what an earlier process noted (notes.h). NULL: nothing. */
	const struct course *noted;
	const struct indices *indices;           /* NULL, and slots too: it left no tables */
	const uint16_t *slots, *previous;        /* `previous` NULL: none */
	struct part *slots_part, *previous_part; /* where these lie; NULL: in nobody's books */
	uint32_t slots_n;
	uint32_t previous_n;
	uint16_t flags; /* enum service_flags, without the way's */
	uint16_t
		way; /* 0: previous[i] is of slot i; or SERVICE_WAY, and maybe SERVICE_WAY_SOURCE */
	bool remembers;
	struct phase phase;
};

struct plan {
	const struct service_conf *conf;
	struct course *courses; /* of conf->backends */
	uint32_t *places; /* of conf->backends: in former.conf; MODEL_NOWHERE: it wasn't there */
	struct indices *indices;
	uint16_t *slots, *previous; /* `previous` NULL: none */
	uint32_t slots_n;
	uint32_t previous_n;
	uint16_t flags, way; /* as struct former has them */
	bool remembers;      /* flows of it may be remembered */
	uint32_t moved;      /* slots whose choice is another than it was */
	struct phase phase;
};

/*
 * `was` NULL: the service is new. 0, with `plan` for the caller to free; or -ENOMEM, or as
 * maglev_build() and wrr_build() say, with nothing to free.
 */
int plan_make(const struct service_conf *conf, const struct former *was,
	      const struct flow_key *seed, int64_t now_us, int64_t now_real_us, struct plan *plan);
void plan_free(struct plan *plan);

/* Whether it counts as down, whatever becomes of that. */
bool course_is_down(const struct course *course);

/*
 * How long conf->backends[i] keeps its flows after it was a last resort: its checks have this long to find
 * it up, too. 0: nothing checks it.
 */
int64_t plan_spare_us(const struct service_conf *conf, uint32_t i);

/* Whether conf->backends[i] keeps its flows: not disabled, nor out, unless spared or on_down is "keep". */
bool plan_lives(const struct service_conf *conf, const struct course *courses, uint32_t i);

/* Whether there are backends that could take flows, and all of them are down. */
bool plan_all_down(const struct service_conf *conf, const struct course *courses);

/* An event, which says what is done about it. `who` as events_add() takes it. */
void plan_tell_all_down(const struct service_conf *conf, const char *who);

/* Whether other backends are to be out than are, for what is known of their health by now. */
bool plan_health_is_due(const struct service_conf *conf, const struct course *courses);

/* What the fast path is to do for the service's scheduler: enum service_flags. */
uint16_t plan_flags(const struct service_conf *conf);

/*
 * The weight in force of conf->backends[i], in steps-ths of slow start, which is right beside the
 * service's others; 0: it takes no new flows. The scheduler rr knows no weights but 0.
 */
uint32_t plan_weight(const struct service_conf *conf, const struct course *courses, uint32_t i);

/* Whether time alone changes something by now: a step of slow start, or the end of being spared. */
bool plan_step_is_due(const struct service_conf *conf, const struct course *courses,
		      int64_t now_us);

#endif
