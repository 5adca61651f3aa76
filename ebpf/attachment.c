/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The netlink requests that attach, exchange and show an XDP program. Called by xdp_link.c and
 * sluice-decap. Any thread.
 */
#include "attachment.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

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

static int words_take(const struct nlattr *attr, void *words)
{
	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		snprintf(words, ATTACHMENT_WORDS_MAX, "%.*s", (int)mnl_attr_get_payload_len(attr),
			 mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* 0, the kernel's -errno, or that of the socket. */
static int attach_ask(struct mnl_socket *netlink, int ifindex, int program_fd, uint32_t flags,
		      char words[ATTACHMENT_WORDS_MAX])
{
	char buffer[8192]; /* MNL_SOCKET_BUFFER_SIZE at most */
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	struct nlattr *xdp;

	message->nlmsg_type = RTM_SETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = ifindex;
	xdp = mnl_attr_nest_start(message, IFLA_XDP);
	mnl_attr_put_u32(message, IFLA_XDP_FD, (uint32_t)program_fd);
	mnl_attr_put_u32(message, IFLA_XDP_FLAGS, flags);
	mnl_attr_nest_end(message, xdp);
	if (mnl_socket_sendto(netlink, message, message->nlmsg_len) < 0 ||
	    mnl_socket_recvfrom(netlink, buffer, sizeof(buffer)) < 0)
		return -errno;
	message = (struct nlmsghdr *)buffer;
	if (message->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	/* An extended acknowledgement, without the request (NETLINK_CAP_ACK). */
	if (message->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(message, sizeof(struct nlmsgerr), words_take, words);
	return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(message))->error;
}

void attachment_refusal(int ifindex, int program_fd, enum xdp_mode mode,
			char words[ATTACHMENT_WORDS_MAX])
{
	struct mnl_socket *netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int on = 1;

	words[0] = 0;
	if (!netlink)
		return;
	if (mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_setsockopt(netlink, NETLINK_EXT_ACK, &on, sizeof(on)) == 0 &&
	    mnl_socket_setsockopt(netlink, NETLINK_CAP_ACK, &on, sizeof(on)) == 0 &&
	    attach_ask(netlink, ifindex, program_fd, mode_flags(mode) | XDP_FLAGS_UPDATE_IF_NOEXIST,
		       words) == 0)
		/* What stood in its way is gone: as before the question. */
		bpf_xdp_detach(ifindex, mode_flags(mode), NULL);
	mnl_socket_close(netlink);
}
