/* SPDX-License-Identifier: Apache-2.0 */
#include "attachment.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

static uint32_t mode_flags(enum xdp_mode mode)
{
	switch (mode) {
	case XDP_MODE_NATIVE:
		return XDP_FLAGS_DRV_MODE;
	case XDP_MODE_GENERIC:
		return XDP_FLAGS_SKB_MODE;
	case XDP_MODE_HARDWARE:
		return XDP_FLAGS_HW_MODE;
	case XDP_MODE_NONE:
		break;
	}
	return 0;
}

const char *xdp_mode_name(enum xdp_mode mode)
{
	switch (mode) {
	case XDP_MODE_NATIVE:
		return "native";
	case XDP_MODE_GENERIC:
		return "generic";
	case XDP_MODE_HARDWARE:
		return "hardware";
	case XDP_MODE_NONE:
		break;
	}
	return "none";
}

static void program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {0};
	uint32_t info_bytes = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

int attachment_find(int ifindex, struct attachment *found)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int err = bpf_xdp_query(ifindex, 0, &query);

	*found = (struct attachment){0};
	if (err)
		return err;
	if (query.hw_prog_id) {
		found->mode = XDP_MODE_HARDWARE;
		found->id = query.hw_prog_id;
	} else if (query.drv_prog_id) {
		found->mode = XDP_MODE_NATIVE;
		found->id = query.drv_prog_id;
	} else if (query.skb_prog_id) {
		found->mode = XDP_MODE_GENERIC;
		found->id = query.skb_prog_id;
	} else {
		return 0;
	}
	program_name(found->id, found->name);
	return 0;
}

/* Takes `old` off, or exchanges it, only if it is still the one that sits there. */
static int exchange(int ifindex, int program_fd, const struct attachment *old)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	uint32_t flags = mode_flags(old->mode) | XDP_FLAGS_REPLACE;
	int err;

	opts.old_prog_fd = bpf_prog_get_fd_by_id(old->id);
	if (opts.old_prog_fd < 0)
		return errno == ENOENT ? -EEXIST : -errno;
	err = bpf_xdp_attach(ifindex, program_fd, flags, &opts);
	close(opts.old_prog_fd);
	return err;
}

/*
 * The kernel runs native and generic programs side by side on no interface: `old` goes first, and
 * comes back when the new one is refused.
 */
static int change_mode(int ifindex, int program_fd, enum xdp_mode mode,
		       const struct attachment *old)
{
	int old_fd = bpf_prog_get_fd_by_id(old->id), err;

	if (old_fd < 0)
		return errno == ENOENT ? -EEXIST : -errno;
	err = attachment_remove(ifindex, old);
	if (!err) {
		err = bpf_xdp_attach(ifindex, program_fd,
				     mode_flags(mode) | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
		if (err)
			bpf_xdp_attach(ifindex, old_fd,
				       mode_flags(old->mode) | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	}
	close(old_fd);
	return err;
}

int attachment_put(int ifindex, int program_fd, enum xdp_mode mode, const struct attachment *old)
{
	if (old->mode == mode)
		return exchange(ifindex, program_fd, old);
	if (old->mode != XDP_MODE_NONE)
		return change_mode(ifindex, program_fd, mode, old);
	return bpf_xdp_attach(ifindex, program_fd, mode_flags(mode) | XDP_FLAGS_UPDATE_IF_NOEXIST,
			      NULL);
}

int attachment_remove(int ifindex, const struct attachment *old)
{
	return exchange(ifindex, -1, old);
}
