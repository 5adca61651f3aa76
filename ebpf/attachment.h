/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP program on an interface, as netlink shows and changes it. For programs that load XDP;
 * no state, any thread. A program that is attached so stays when its loader exits, and goes with
 * the interface.
 */
#ifndef SLUICE_ATTACHMENT_H
#define SLUICE_ATTACHMENT_H

#include <linux/bpf.h>
#include <stdint.h>

enum xdp_mode {
	XDP_MODE_NONE,
	XDP_MODE_NATIVE,   /* in the driver, before the kernel builds its packet */
	XDP_MODE_GENERIC,  /* behind it: any interface, slower */
	XDP_MODE_HARDWARE, /* in the NIC; we never attach there */
};

struct attachment {
	enum xdp_mode mode; /* NONE: the interface has no program, the rest is empty */
	uint32_t id;
	char name[BPF_OBJ_NAME_LEN];
};

/* "native", "generic", "hardware", "none" */
const char *xdp_mode_name(enum xdp_mode mode);

/*
 * What sits on an interface. When there are two (one in the NIC), the one nearest to the wire.
 * The name is "?" for a program that this process may not look at. 0, or -errno of the query:
 * -ENODEV when there is no such interface.
 */
int attachment_find(int ifindex, struct attachment *found);

/*
 * Puts a program on an interface in the given mode, in place of `old`, which attachment_find()
 * gave. In the same mode that is atomic: no packet passes without one of the two. After an error
 * `old` sits there as before. 0, or
 *  -EOPNOTSUPP, -EINVAL, …  the driver's refusal of native mode
 *  -EEXIST, -EBUSY          someone else came first, or holds the interface by a bpf_link
 *  -EPERM                   without CAP_NET_ADMIN
 */
int attachment_put(int ifindex, int program_fd, enum xdp_mode mode, const struct attachment *old);

enum { ATTACHMENT_WORDS_MAX = 128 };

/*
 * Why the driver does not take the program in that mode, in its own words ("virtio_net: MTU too large
 * to enable XDP"), which a bpf_link's error lacks: asks it again, by netlink. "" when it gives none.
 */
void attachment_refusal(int ifindex, int program_fd, enum xdp_mode mode,
			char words[ATTACHMENT_WORDS_MAX]);

/* Takes `old` off, and nothing else: -EEXIST when it is no longer the one. Errors as above. */
int attachment_remove(int ifindex, const struct attachment *old);

#endif
