/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does another node decide as this one does? Compares what `sluicectl --json doctor` printed there
 * with what this one's daemon says. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* What `here` has, and `there` has not, or otherwise. */
static size_t compare(struct doctor *d, const json_t *here, const json_t *there, bool both)
{
	json_t *theirs = doctor_index(json_object_get(there, "services"), "service"), *service;
	size_t i, differ = 0;

	json_array_foreach (json_object_get(here, "services"), i, service) {
		const char *name = text_of(service, "service");
		const json_t *twin = json_object_get(theirs, name);

		if (!twin) {
			differ++;
			doctor_say(d, FINDING_WRONG, "nodes",
				   mend_with("give both nodes the same services; sluicectl reload"),
				   "service %s is on %s, not on %s", name, text_of(here, "node"),
				   text_of(there, "node"));
		} else if (both && strcmp(text_of(service, "fingerprint"),
					  text_of(twin, "fingerprint")) != 0) {
			differ++;
			doctor_say(d, FINDING_WRONG, "nodes",
				   mend_with("compare sluicectl show services and show backends "
					     "%s; give `slots` in the configuration",
					     name),
				   "service %s: slots, backends or weights differ between %s and "
				   "%s: flows move when a router moves them",
				   name, text_of(here, "node"), text_of(there, "node"));
		}
	}
	json_decref(theirs);
	return differ;
}

void check_nodes(struct doctor *d)
{
	const struct patient *p = d->patient;
	const json_t *here = p->node, *there = json_object_get(p->peer, "node");

	if (!p->peer || !here)
		return;
	if (!json_is_object(there)) {
		doctor_say(
			d, FINDING_UNKNOWN, "nodes",
			mend_with("ssh NODE sluicectl --json doctor | sluicectl doctor --peer -"),
			"the other node's text has no member \"node\": its daemon didn't answer");
		return;
	}
	if (strcmp(text_of(here, "seed_fingerprint"), text_of(there, "seed_fingerprint")) != 0)
		doctor_say(d, FINDING_WRONG, "nodes",
			   mend_with("give all nodes of the cluster one seed, and restart sluiced"),
			   "the seeds of %s and %s differ: a flow that a router moves is lost",
			   text_of(here, "node"), text_of(there, "node"));
	else if (compare(d, here, there, true) + compare(d, there, here, false) == 0)
		doctor_say(d, FINDING_GOOD, "nodes", NULL, "%s decides as %s does",
			   text_of(there, "node"), text_of(here, "node"));
}
