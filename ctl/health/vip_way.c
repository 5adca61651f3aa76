/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of checks via = "vip". Control thread.
 */
#include "vip_way.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "probe_socket.h"
#include "shortage.h"
#include "sluice/encap.h"
#include "vip_route.h"

enum {
	PORTS = 65536,
	BATCH = 64, /* packets, before others have their turn */
};

/* Whose packets a local port's are, by family and protocol. */
enum port_table {
	PORTS_TCP4,
	PORTS_UDP4,
	PORTS_TCP6,
	PORTS_UDP6,
	PORT_TABLES,
};

struct vip_way {
	struct event_base *base;
	uint32_t mark;
	vip_outer_fn *outer;
	void *ctx;
	const struct probe_target **targets; /* by id; [0] is nobody's */
	uint32_t targets_n;
	uint32_t *ports; /* PORT_TABLES of them; NULL: there is no way yet */
	int tun, raw4, raw6;
	int error6; /* 0: there is a way for IPv6 */
	struct event *event;
};

static uint32_t *port_of(const struct vip_way *way, bool v6, bool udp, uint16_t port)
{
	size_t table = (v6 ? PORTS_TCP6 : PORTS_TCP4) + (udp ? 1U : 0U);

	return &way->ports[table * PORTS + port];
}

/* ---- packets ---- */

/* The outer headers around the packet at frame + ENCAP_GROWTH_MAX + 14; sends it. */
static void packet_send(const struct vip_way *way, uint8_t *frame, struct packet *p,
			const struct probe_target *target)
{
	struct vip_outer outer;
	struct cursor c;
	union socket_address to;
	socklen_t bytes;
	uint32_t outer_bytes, start;

	way->outer(way->ctx, target->service, target->backend, &outer);
	if (!(outer.entry.flags & BACKEND_RESOLVED))
		return;
	/* The kernel sends it, so the frame's own header is written only to be left out. */
	outer.entry.vlan_tci = 0;
	outer_bytes = encap_outer_bytes(&outer.entry);
	start = ENCAP_GROWTH_MAX - outer_bytes; /* Ethernet's place moves with it */
	c = (struct cursor){
		.pos = frame + start,
		.end = frame + ENCAP_GROWTH_MAX + sizeof(struct ether_header) + p->ip_bytes,
	};
	if (!encap_write(&c, &outer.generation, &outer.entry, p,
			 flow_hash(&p->flow, &outer.generation.key)))
		return;
	bytes = socket_address_from(&target->backend->addr, 0, &to);
	/* What doesn't go out is a packet lost, of which the check hears by its timeout. */
	sendto(target->backend->addr.family == IP_V4 ? way->raw4 : way->raw6,
	       frame + start + sizeof(struct ether_header), outer_bytes + p->ip_bytes, 0, &to.any,
	       bytes);
}

static void packet_take(const struct vip_way *way, uint8_t *frame, size_t ip_bytes)
{
	uint8_t *ether = frame + ENCAP_GROWTH_MAX, *ip = ether + sizeof(struct ether_header);
	struct cursor c = {
		.pos = ether,
		.end = ip + ip_bytes,
		.frame_bytes = (uint32_t)(sizeof(struct ether_header) + ip_bytes),
	};
	bool v6 = ip[0] >> 4 == 6;
	struct packet p;
	uint32_t id;

	((struct ether_header *)(void *)ether)->type = be16_from(v6 ? ETHER_IPV6 : ETHER_IPV4);
	if (packet_parse(&c, &p) != VERDICT_forward ||
	    (p.proto != PROTO_TCP && p.proto != PROTO_UDP))
		return;
	id = *port_of(way, v6, p.proto == PROTO_UDP, be16_to(flow_src_port(&p.flow)));
	if (id != 0 && id < way->targets_n && way->targets[id])
		packet_send(way, frame, &p, way->targets[id]);
}

static void on_packets(evutil_socket_t fd, short events, void *ctx)
{
	static uint8_t frame[ENCAP_GROWTH_MAX + sizeof(struct ether_header) + 2048];
	uint8_t *ip = frame + ENCAP_GROWTH_MAX + sizeof(struct ether_header);

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(fd, ip, 2048);

		if (n <= 0)
			return;
		packet_take(ctx, frame, (size_t)n);
	}
}

/* ---- sockets ---- */

/* The address from which this host sends there; IP_NONE: it doesn't. 0, or -errno: can't be told. */
static int source_towards(const struct ip_addr *addr, struct ip_addr *source)
{
	int fd = socket(ip_socket_family(addr->family), SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	union socket_address to;
	socklen_t bytes = socket_address_from(addr, 9, &to);

	*source = (struct ip_addr){.family = IP_NONE};
	if (fd < 0)
		return -errno;
	if (connect(fd, &to.any, bytes) == 0 && getsockname(fd, &to.any, &bytes) == 0) {
		if (to.any.sa_family == AF_INET)
			*source = ip_from_bytes(IP_V4, &((struct sockaddr_in *)&to)->sin_addr);
		else
			*source = ip_from_bytes(IP_V6, &((struct sockaddr_in6 *)&to)->sin6_addr);
	} else if (shortage_is(errno)) {
		err = -errno;
	}
	close(fd);
	return err;
}

static int way_open(struct vip_way *way)
{
	int err;

	if (way->tun >= 0)
		return 0;
	if (!way->ports)
		way->ports = calloc(PORT_TABLES, PORTS * sizeof(*way->ports));
	if (!way->ports)
		return -ENOMEM;
	if (way->raw4 < 0)
		way->raw4 = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	if (way->raw6 < 0)
		way->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	if (way->raw4 < 0)
		return -errno;
	err = vip_route_open(way->mark, &way->error6);
	if (err < 0)
		return err;
	way->tun = err;
	way->event = event_new(way->base, way->tun, EV_READ | EV_PERSIST, on_packets, way);
	if (way->event && event_add(way->event, NULL) == 0)
		return 0;
	vip_route_close(way->tun, way->mark);
	way->tun = -1;
	return -ENOMEM;
}

int vip_way_bind(struct vip_way *way, const struct probe_target *target, int fd,
		 char reason[PROBE_REASON_MAX])
{
	const struct ip_addr *vip = &target->service->vip;
	bool udp = target->service->health.type == HEALTH_UDP;
	struct ip_addr source;
	union socket_address own;
	socklen_t bytes;
	uint16_t port;
	int err = way_open(way);

	if (!err && vip->family == IP_V6)
		err = way->error6;
	if (!err)
		err = source_towards(vip, &source);
	if (err) {
		shortage_note(SHORTAGE_HEALTH, err);
		snprintf(reason, PROBE_REASON_MAX, "via vip: no way there: %s%s", strerror(-err),
			 err == -EPERM ? " (it takes CAP_NET_ADMIN)" : "");
		return err;
	}
	if (ip_equal(&source, vip)) {
		snprintf(reason, PROBE_REASON_MAX,
			 "via vip: the vip is an address of this host, which keeps its packets");
		return -EADDRINUSE;
	}
	if (target->backend->addr.family == vip->family)
		err = source_towards(&target->backend->addr, &source);
	if (err) {
		shortage_note(SHORTAGE_HEALTH, err);
		snprintf(reason, PROBE_REASON_MAX, "via vip: %s", strerror(-err));
		return err;
	}
	if (source.family == IP_NONE)
		source = (struct ip_addr){.family = vip->family}; /* the kernel finds one */
	bytes = socket_address_from(&source, 0, &own);
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &way->mark, sizeof(way->mark)) != 0 ||
	    bind(fd, &own.any, bytes) != 0 || getsockname(fd, &own.any, &bytes) != 0) {
		err = -errno;
		snprintf(reason, PROBE_REASON_MAX, "via vip: %s", strerror(-err));
		return err;
	}
	port = own.any.sa_family == AF_INET ? ((struct sockaddr_in *)&own)->sin_port
					    : ((struct sockaddr_in6 *)&own)->sin6_port;
	*port_of(way, vip->family == IP_V6, udp, ntohs(port)) = target->vip_id;
	return 0;
}

/* ---- targets ---- */

uint32_t vip_way_add(struct vip_way *way, const struct probe_target *target)
{
	const struct probe_target **targets;
	uint32_t id = 1;

	while (id < way->targets_n && way->targets[id])
		id++;
	if (id >= way->targets_n) {
		uint32_t n = id < 64 ? 64 : 2 * id;

		targets = realloc(way->targets, n * sizeof(struct probe_target *));
		if (!targets)
			return 0;
		memset(targets + way->targets_n, 0,
		       (n - way->targets_n) * sizeof(struct probe_target *));
		way->targets = targets;
		way->targets_n = n;
	}
	way->targets[id] = target;
	return id;
}

void vip_way_remove(struct vip_way *way, uint32_t id)
{
	if (id != 0)
		way->targets[id] = NULL;
}

struct vip_way *vip_way_new(struct event_base *base, uint32_t mark, vip_outer_fn *outer, void *ctx)
{
	struct vip_way *way = calloc(1, sizeof(*way));

	if (way)
		*way = (struct vip_way){
			.base = base,
			.mark = mark,
			.outer = outer,
			.ctx = ctx,
			.tun = -1,
			.raw4 = -1,
			.raw6 = -1,
		};
	return way;
}

void vip_way_free(struct vip_way *way)
{
	if (!way)
		return;
	if (way->event)
		event_free(way->event);
	if (way->tun >= 0)
		vip_route_close(way->tun, way->mark);
	if (way->raw4 >= 0)
		close(way->raw4);
	if (way->raw6 >= 0)
		close(way->raw6);
	free(way->ports);
	free(way->targets);
	free(way);
}
