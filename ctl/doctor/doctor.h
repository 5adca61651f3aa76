/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would make this node slow or wrong, each with the command that mends it. Looks at the
 * host (through /proc, /sys and ethtool), at what the daemon says of itself, if it runs, and at
 * its configuration file, if it doesn't. Changes nothing. Used by sluicectl; one thread.
 */
#ifndef SLUICE_DOCTOR_H
#define SLUICE_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "host.h"
#include "model.h"

/* X(identifier, word); words.h */
#define FINDING_LEVEL_WORDS(X)                                                                  \
	X(FINDING_GOOD, "good")                                                                 \
	X(FINDING_UNKNOWN, "unknown") /* it could not be looked at, and why */                  \
	X(FINDING_SLOW, "slow")       /* packets are handled right, but slower than possible */ \
	X(FINDING_WRONG, "wrong")     /* packets are lost or misled, or will be */

enum finding_level { FINDING_LEVEL_WORDS(ENUM_ID) FINDING_LEVELS };

struct finding {
	enum finding_level level;
	const char *check; /* "hugepages" */
	char *text;        /* one line */
	char *mend;        /* a command, or what to edit; NULL: nothing is to be done */
};

/* What is known before the checks begin. Belongs to the caller. */
struct patient {
	const struct host *host;
	const char *config_path;
	const struct model *config; /* of that file; NULL: config_error says why */
	const char *config_error;   /* a line for each fault */
	const char *daemon_error;   /* why the daemon's part is missing; NULL: it answered */
	/* Results of node.show, dataplane.show, backends.list, services.list and counters.list
	 * (docs/control.md); all NULL when the daemon didn't answer. */
	json_t *node, *dataplane, *backends, *services, *counters;
	json_t *daemon; /* of daemon.show; NULL also for a daemon that is older */
	json_t *peer;   /* what `doctor --json` printed on another node; NULL: none to compare */
};

struct doctor {
	const struct patient *patient;
	struct finding *findings;
	size_t findings_n, findings_room;
	bool no_memory; /* a finding was lost */
};

/* All checks, in the order in which a packet needs what they look at. 0, or -ENOMEM. */
int doctor_examine(struct doctor *doctor, const struct patient *patient);

void doctor_free(struct doctor *doctor);

/* The worst level among the findings. */
enum finding_level doctor_worst(const struct doctor *doctor);

ENUM_DECLARE(finding_level);

/* ---- for the checks (check_*.c) ---- */

typedef void doctor_check(struct doctor *doctor);

doctor_check check_daemon, check_files, check_health, check_shortages, check_state, check_kernel,
	check_cores, check_hugepages, check_ports, check_queues, check_native, check_nics,
	check_offloads, check_links, check_reverse_path, check_next_hops, check_mtu, check_drops,
	check_nodes;

/*
 * Adds a finding. `mend` and `format` are printf's; what doesn't fit the memory is lost, and
 * doctor_examine() says so.
 */
void doctor_say(struct doctor *doctor, enum finding_level level, const char *check, char *mend,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A mend for doctor_say(), which takes it over. */
char *mend_with(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The rows of a list by the text of a member, for many look-ups: a new reference to {text: row}.
 * NULL: no memory.
 */
json_t *doctor_index(const json_t *list, const char *member);

/* Whether the node runs, or would run, this fast path ("dpdk", "xdp"). Both, if that's open. */
bool patient_runs(const struct patient *patient, const char *path);

/* Name of the kernel's interface of port `i`; NULL: no such port, or its name isn't known. */
const char *patient_interface(const struct patient *patient, size_t i);
/* Device of port `i` as the configuration names it, for dpdk; NULL: none, or it isn't known. */
const char *patient_device(const struct patient *patient, size_t i);
size_t patient_ports(const struct patient *patient);

#endif
