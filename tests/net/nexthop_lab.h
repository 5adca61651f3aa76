/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the next-hop resolution is tested, against a real kernel. Each test gets two new network
 * namespaces, its own and a child's, which go when the test ends:
 *
 *	     this process						a child
 *	n0  10.1.0.1/24  2001:db8:1::1/64  --------  p0  10.1.0.2/24  2001:db8:1::2/64
 *	n1  10.2.0.1/24  2001:db8:2::1/64  --------  p1  (up, and silent: has no address)
 *
 * MACs: n0 02:00:00:00:00:00, n1 02:00:00:00:00:01, p0 02:00:00:00:00:50. Permanent neighbours:
 * 10.1.0.10 (MAC 02:00:00:00:01:0a) and 2001:db8:1::10 (...:6a) on n0, 10.2.0.254 (...:fe),
 * 2001:db8:2::fe (...:6e) and fe80::99 (...:99) on n1. Needs root.
 */
#ifndef SLUICE_TESTS_NET_NEXTHOP_LAB_H
#define SLUICE_TESTS_NET_NEXTHOP_LAB_H

#include "link_table.h"
#include "nexthop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

struct event_base;

struct lab {
	pid_t peer; /* holds the other namespace */
	struct event_base *base;
	struct nexthops *hops;  /* 5 ms, 100 ms, and practically never refreshed */
	unsigned int n_changed; /* calls of `changed` */
};

/* A test between lab_up and lab_down. */
#define LAB_TEST(function) cmocka_unit_test_setup_teardown(function, lab_up, lab_down)

/* Prints why not, if not. */
bool lab_possible(void);

int lab_up(void **state);
int lab_down(void **state);

/* Begins anew, with other times. */
void lab_retime(struct lab *lab, const struct nexthop_timing *timing);

/* Run a command: any; `ip ...` in our namespace; `ip ...` in the child's. They have to succeed. */
void shell(const char *command);
__attribute__((format(printf, 1, 2))) void ip(const char *format, ...);
void peer_ip(const struct lab *lab, const char *arguments);

/* Writes a file of /proc/sys of our namespace. */
void kernel_set(const char *path, const char *value);

uint64_t now_us(void);

struct ip_addr addr_of(const char *text);

/* Watches this one address. */
void watch(struct lab *lab, const char *text);

/* The way to an address watched. */
const struct nexthop *hop_to(const struct lab *lab, const char *text);

void assert_state(const struct nexthop *hop, enum nexthop_state state);
void assert_mac(const uint8_t mac[6], const char *expected);
void assert_addr(const struct ip_addr *addr, const char *expected);

void loop_for(struct lab *lab, unsigned int ms);

/* Let the loop run until `changed` was called since n_changed was `before`, or the address has
 * the state; fail after eight seconds. */
void wait_change(struct lab *lab, unsigned int before);
void wait_state(struct lab *lab, const char *addr, enum nexthop_state state);

/* As nexthops_watch() and nexthops_get(), with whatever source the kernel chooses. */
int lab_watch(struct nexthops *hops, const struct ip_addr *addrs, size_t n);
const struct nexthop *lab_get(const struct nexthops *hops, const struct ip_addr *addr);

#endif
