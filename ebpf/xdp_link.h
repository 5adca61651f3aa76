/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's hold on one interface: a bpf_link, pinned, so that it outlives the daemon and its
 * program can be exchanged between two packets. Control thread.
 */
#ifndef SLUICE_XDP_LINK_H
#define SLUICE_XDP_LINK_H

#include "attachment.h"
#include "pins.h"

struct xdp_link {
	int fd; /* -1: none */
	int ifindex;
	const char *interface; /* its name, for messages; the caller's */
	enum xdp_mode mode;
	bool pinned;
	bool listed; /* the program's maps have this ifindex for the port */
	int told;    /* the failure to take the interface up that the log knows of; 0: none */
};

struct xdp_link_options {
	enum fast_path_attach attach;
	bool replace; /* take the place of another's program */
	report_log log;
};

/* The pin's name starts so; the interface's index follows (names may have dots, pins may not). */
#define XDP_LINK_PIN_PREFIX "link_"

/*
 * Takes up the pinned link to the interface, if there is one that still holds. `link->fd` is -1
 * when not: what was pinned for an interface that is gone is removed. 0, or -errno: it can't be
 * told, and nothing has changed.
 */
int xdp_link_adopt(struct xdp_link *link, const struct pins *pins, report_log log);

/*
 * Attaches the program. 0, or with a line in `error`
 *  -EBUSY    another program sits there, and replace is not set
 *  -ENOTSUP  the driver has no native mode, and attach asks for it
 *  -errno
 */
int xdp_link_make(struct xdp_link *link, int program_fd, const struct xdp_link_options *options,
		  char error[FAST_PATH_ERROR_MAX]);

/* The link is there, but holds no interface any more: that went, or someone took the link off. */
bool xdp_link_is_lost(const struct xdp_link *link);

/* From the next packet on `program_fd` runs; none passes between the two. 0 or -errno. */
int xdp_link_update(const struct xdp_link *link, int program_fd);

int xdp_link_pin(struct xdp_link *link, const struct pins *pins);

/* Forgets it here. The program stays on the interface if the link is pinned. */
void xdp_link_close(struct xdp_link *link);

/* Takes the program off the interface, pinned or not, and forgets the link. */
void xdp_link_detach(struct xdp_link *link);

/* As xdp_link_detach(), and the pin goes too: for an interface that is gone, or no port any more. */
void xdp_link_drop(struct xdp_link *link, const struct pins *pins);

/* Takes pinned links off interfaces that `ifindexes` (n of them) doesn't hold. */
void xdp_links_prune(const struct pins *pins, const uint32_t *ifindexes, uint32_t n,
		     report_log log);

#endif
