/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's interface beside a port: a TAP. Straight by /dev/net/tun: DPDK's own TAP driver
 * would have the kernel raise a signal in this process for every frame, and can't be waited on.
 */
#include "tap.h"
#include "error.h"
#include "interface.h"

#include <rte_mbuf.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	SEGMENTS_MAX = 16, /* of a frame that the port received in pieces */
};

/* What TUNSETIFF says. */
static int refused(const char *name, bool adopted, int code, char *error)
{
	if (code == EPERM)
		return error_set(error, -EPERM,
				 "tap %s: %s; run sluiced as root or with CAP_NET_ADMIN", name,
				 strerror(code));
	if (code == EBUSY)
		return error_set(error, -EBUSY, "tap %s: another process has it", name);
	if (adopted)
		return error_set(
			error, -EBUSY,
			"tap %s: an interface of that name is there, and isn't a TAP with one "
			"queue: remove it (\"ip link delete %s\"), or give the port another "
			"name",
			name, name);
	return error_set(error, -ENODEV, "tap %s: %s", name, strerror(code));
}

int tap_open(struct tap *t, const char *name, const uint8_t mac[6], uint32_t mtu_bytes,
	     bool mtu_wanted, char *error)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	bool adopted = if_nametoindex(name) != 0;
	int ret;

	*t = (struct tap){.fd = -1};
	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0) {
		ret = errno == EACCES || errno == EPERM ? -EPERM : -ENODEV;
		return error_set(error, ret,
				 "tap %s: /dev/net/tun: %s; the kernel needs CONFIG_TUN, and "
				 "sluiced CAP_NET_ADMIN",
				 name, strerror(errno));
	}
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(t->fd, TUNSETIFF, &request) < 0) {
		ret = refused(name, adopted, errno, error);
		goto err_close;
	}
	snprintf(t->name, sizeof(t->name), "%s", request.ifr_name);
	ret = interface_set_up(t->name, mac, adopted && !mtu_wanted ? 0 : mtu_bytes);
	if (ret < 0) {
		error_set(error, ret, "tap %s: can't be set up with MTU %u: %s", name, mtu_bytes,
			  strerror(-ret));
		goto err_close;
	}
	return 0;

err_close:
	tap_close(t);
	return ret;
}

void tap_keep(const struct tap *t)
{
	(void)ioctl(t->fd, TUNSETPERSIST, 1UL);
}

void tap_close(struct tap *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

void tap_set_carrier(struct tap *t, bool carrier)
{
	int value = carrier;

	if (t->no_carrier != carrier)
		return;
	if (ioctl(t->fd, TUNSETCARRIER, &value) == 0)
		t->no_carrier = !carrier;
}

int tap_receive(const struct tap *t, struct rte_mempool *pool, struct rte_mbuf **m)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);
	uint16_t room;
	ssize_t bytes;
	int ret;

	if (!frame)
		return -ENOBUFS;
	room = rte_pktmbuf_tailroom(frame);
	bytes = read(t->fd, rte_pktmbuf_mtod(frame, void *), room);
	/* The kernel cuts silently: a full buffer is a frame that may go on. */
	if (bytes > 0 && bytes < room) {
		frame->data_len = (uint16_t)bytes;
		frame->pkt_len = (uint32_t)bytes;
		*m = frame;
		return 0;
	}
	ret = bytes == room ? -EMSGSIZE : -EAGAIN;
	rte_pktmbuf_free(frame);
	return ret;
}

bool tap_send(const struct tap *t, const struct rte_mbuf *m)
{
	struct iovec pieces[SEGMENTS_MAX];
	int n = 0;

	for (; m; m = m->next) {
		if (n == SEGMENTS_MAX)
			return false;
		pieces[n++] = (struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
	}
	return writev(t->fd, pieces, n) > 0;
}
