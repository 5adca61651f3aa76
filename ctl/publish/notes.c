/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time has made of the services, as JSON and back. Control thread.
 */
#include "notes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maglev.h"
#include "running.h"

enum {
	KEY_MAX = IP_TEXT_MAX + 16,
	HASH_TEXT_MAX = 17,
	BOOT_MAX = 64,
};

struct notes {
	json_t *services;
	int64_t now_us, now_real_us;
	int64_t shift_us; /* from the times of the notes to this process's */
};

/* Another after each start of the host; "": not known. */
static void boot_id(char id[BOOT_MAX])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	id[0] = 0;
	if (!file)
		return;
	if (!fgets(id, BOOT_MAX, file))
		id[0] = 0;
	fclose(file);
	id[strcspn(id, "\n")] = 0;
}

static const char *note_key(const struct service_conf *s, char key[KEY_MAX])
{
	char vip[IP_TEXT_MAX];

	snprintf(key, KEY_MAX, "%s:%u/%s", ip_format(&s->vip, vip), s->port, proto_name(s->proto));
	return key;
}

/* Of a lookup table and the previous choices beside it: FNV-1a, 64 bits. */
static uint64_t table_hash(uint64_t hash, const uint16_t *table, uint32_t n)
{
	for (uint32_t i = 0; table && i < n; i++)
		hash = (hash ^ table[i]) * 0x100000001b3ULL;
	return hash;
}

static void tables_text(const struct former *f, char text[HASH_TEXT_MAX])
{
	uint64_t hash = table_hash(0xcbf29ce484222325ULL, f->slots, f->slots_n);

	snprintf(text, HASH_TEXT_MAX, "%016" PRIx64, table_hash(hash, f->previous, f->previous_n));
}

/* ---- writing ---- */

static json_t *drain_json(const struct drain *d)
{
	return json_pack("{s:I, s:i, s:I, s:b, s:b, s:I}", "started_us", (json_int_t)d->started_us,
			 "timeout_s", (int)d->timeout_s, "deadline_us", (json_int_t)d->deadline_us,
			 "timed_out", d->timed_out, "told", d->told, "flows_cut",
			 (json_int_t)d->flows_cut);
}

/* NULL: there is nothing to note. */
static json_t *course_json(const struct course *c, bool starts_down)
{
	json_t *object;

	if (c->ramp_us == 0 && c->spared_us == 0 && c->drain.started_us == 0 &&
	    c->down == starts_down)
		return NULL;
	object = json_object();
	if (c->ramp_us != 0)
		json_object_set_new(object, "slow_start_us", json_integer(c->ramp_us));
	if (c->spared_us != 0)
		json_object_set_new(object, "spared_us", json_integer(c->spared_us));
	if (c->drain.started_us != 0)
		json_object_set_new(object, "drain", drain_json(&c->drain));
	if (c->down != starts_down)
		json_object_set_new(object, "down", json_boolean(c->down));
	return object;
}

static json_t *transition_json(const struct installed *s)
{
	const struct former tables = installed_former(s);
	char hash[HASH_TEXT_MAX];

	tables_text(&tables, hash);
	return json_pack("{s:I, s:I, s:s}", "changed_us", (json_int_t)s->phase.changed_us,
			 "previous_seen_us", (json_int_t)s->phase.previous_seen_us, "tables", hash);
}

static json_t *courses_json(const struct installed *s)
{
	json_t *backends = NULL;

	for (uint32_t i = 0; i < s->conf->backends_n; i++) {
		json_t *course = course_json(&s->courses[i], service_conf_starts_down(s->conf, i));
		char addr[IP_TEXT_MAX];

		if (!course)
			continue;
		if (!backends)
			backends = json_object();
		json_object_set_new(backends, ip_format(&s->conf->backends[i].addr, addr), course);
	}
	return backends;
}

/* NULL: there is nothing to note. */
static json_t *service_json(const struct installed *s)
{
	bool kept = s->conf->slots_chosen && s->conf->slots != service_conf_slots_fit(s->conf);
	json_t *backends = courses_json(s), *object;

	if (!kept && !backends && !installed_in_transition(s))
		return NULL;
	object = json_object();
	if (kept)
		json_object_set_new(object, "slots", json_integer(s->conf->slots));
	if (installed_in_transition(s))
		json_object_set_new(object, "transition", transition_json(s));
	if (backends)
		json_object_set_new(object, "backends", backends);
	return object;
}

json_t *notes_make(const struct running *r)
{
	json_t *services = json_object();

	for (uint32_t i = 0; services && r->model && i < r->model->services_n; i++) {
		json_t *object = service_json(r->installed[i]);
		char key[KEY_MAX];

		if (object)
			json_object_set_new(services, note_key(r->installed[i]->conf, key), object);
	}
	return services;
}

json_t *notes_stamp(json_t *services, int64_t now_us, int64_t now_real_us)
{
	char boot[BOOT_MAX];

	boot_id(boot);
	return json_pack("{s:s, s:I, s:I, s:O}", "boot", boot, "monotonic_us", (json_int_t)now_us,
			 "real_us", (json_int_t)now_real_us, "services", services);
}

/* ---- reading ---- */

/* One that no clock shows is as good as none, and sums of a few don't overflow. */
static int64_t number(const json_t *object, const char *key)
{
	const int64_t bound = INT64_C(1) << 60;
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > -bound && n < bound ? n : 0;
}

/* What to add to a time in the notes. */
static int64_t shift_us(const json_t *tree, int64_t now_us, int64_t now_real_us)
{
	const char *boot = json_string_value(json_object_get(tree, "boot"));
	int64_t passed_us = now_real_us - number(tree, "real_us");
	char ours[BOOT_MAX];

	boot_id(ours);
	if (boot && boot[0] && strcmp(boot, ours) == 0)
		return 0;
	if (passed_us < 0)
		passed_us = 0;
	return now_us - passed_us - number(tree, "monotonic_us");
}

struct notes *notes_read(const json_t *tree, int64_t now_us, int64_t now_real_us)
{
	struct notes *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->services = json_incref(json_object_get(tree, "services"));
	n->now_us = now_us;
	n->now_real_us = now_real_us;
	n->shift_us = shift_us(tree, now_us, now_real_us);
	return n;
}

void notes_free(struct notes *n)
{
	if (!n)
		return;
	json_decref(n->services);
	free(n);
}

static const json_t *service_note(const struct notes *n, const struct service_conf *s)
{
	char key[KEY_MAX];

	return n ? json_object_get(n->services, note_key(s, key)) : NULL;
}

/* A time of the notes in this process's, never after now; 0 (none) stays 0. */
static int64_t time_at(const struct notes *n, const json_t *object, const char *key)
{
	int64_t us = number(object, key);

	if (us == 0)
		return 0;
	us += n->shift_us;
	if (us > n->now_us)
		us = n->now_us;
	return us == 0 ? -1 : us;
}

static int64_t real_us(const struct notes *n, int64_t us)
{
	return n->now_real_us - (n->now_us - us);
}

uint32_t notes_slots(const struct notes *n, const struct service_conf *s)
{
	int64_t slots = number(service_note(n, s), "slots");

	return slots > 0 && slots <= MAGLEV_SLOTS_MAX ? (uint32_t)slots : 0;
}

bool notes_phase(const struct notes *n, const struct service_conf *s, const struct former *tables,
		 struct phase *phase)
{
	const json_t *transition = json_object_get(service_note(n, s), "transition");
	const char *noted = json_string_value(json_object_get(transition, "tables"));
	char hash[HASH_TEXT_MAX];

	if (!noted)
		return false;
	tables_text(tables, hash);
	if (strcmp(noted, hash) != 0 || number(transition, "changed_us") == 0)
		return false;
	phase->changed_us = time_at(n, transition, "changed_us");
	phase->changed_real_us = real_us(n, phase->changed_us);
	phase->previous_seen_us = time_at(n, transition, "previous_seen_us");
	return true;
}

static void drain_read(const struct notes *n, const json_t *object, struct drain *d)
{
	int64_t timeout_s = number(object, "timeout_s");

	d->started_us = time_at(n, object, "started_us");
	if (d->started_us == 0)
		return;
	d->started_real_us = real_us(n, d->started_us);
	d->packets = UINT64_MAX;
	d->moved_us = n->now_us;
	d->timed_out = json_is_true(json_object_get(object, "timed_out"));
	d->told = json_is_true(json_object_get(object, "told"));
	d->flows_cut = (uint64_t)number(object, "flows_cut");
	if (timeout_s <= 0 || timeout_s > UINT32_MAX || number(object, "deadline_us") == 0)
		return;
	d->timeout_s = (uint32_t)timeout_s;
	d->deadline_us = number(object, "deadline_us") + n->shift_us;
	if (d->deadline_us == 0)
		d->deadline_us = -1;
}

struct course *notes_courses(const struct notes *n, const struct service_conf *s)
{
	const json_t *backends = json_object_get(service_note(n, s), "backends");
	struct course *courses;

	if (!backends)
		return NULL;
	courses = calloc(s->backends_n + 1, sizeof(*courses));
	for (uint32_t i = 0; courses && i < s->backends_n; i++) {
		char addr[IP_TEXT_MAX];
		const json_t *one =
			json_object_get(backends, ip_format(&s->backends[i].addr, addr));

		courses[i].ramp_us = time_at(n, one, "slow_start_us");
		courses[i].spared_us = time_at(n, one, "spared_us");
		courses[i].down = service_conf_starts_down(s, i);
		if (json_object_get(one, "down"))
			courses[i].down = json_is_true(json_object_get(one, "down"));
		drain_read(n, json_object_get(one, "drain"), &courses[i].drain);
	}
	return courses;
}
