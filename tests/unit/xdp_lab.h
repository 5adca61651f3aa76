/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two wires for test_xdp_module.c, in a network namespace that goes with the process:
 *
 *	p0 ======= l0   sluice-xdp.so   l1 ======= p1
 *	 packet sockets                  packet socket
 *
 * and a bpffs of its own. Frames go in by p0; what the program sends comes out of p0 or p1.
 */
#ifndef SLUICE_TESTS_UNIT_XDP_LAB_H
#define SLUICE_TESTS_UNIT_XDP_LAB_H

#include <stdbool.h>
#include <stdint.h>

#define LAB_BPFFS "/tmp/sluice-test-xdp-bpffs"
#define LAB_PINS  LAB_BPFFS "/sluice"

struct lab {
	int wires[2]; /* packet sockets on p0 and p1 */
	uint16_t seq;
};

/* Goes into new namespaces. False: not allowed to. Aborts where the machine can't. */
bool lab_enter(struct lab *lab);

/*
 * Sends one TCP packet for a vip of the parity fixture (`way` from 0 on) into l0, and waits up to
 * 10 s for it, encapsulated, at `wire`.
 */
bool lab_exchange(struct lab *lab, unsigned int way, unsigned int wire);

/* Sends it, and waits for nothing. */
void lab_send(struct lab *lab, unsigned int way);

/* A packet socket at the interface, for lab.wires. Aborts where there is none. */
int lab_wire(const char *interface);

/* `n` times; how many did not come back. */
unsigned int lab_lost(struct lab *lab, unsigned int n);

/* Exchanges by way 0 until told to stop, in a thread of its own. */
struct lab_loop;
struct lab_loop *lab_loop_start(struct lab *lab);
/* Returns how many were lost of how many sent. */
unsigned int lab_loop_stop(struct lab_loop *loop, unsigned int *sent);

/* The program on an interface; 0: none. */
uint32_t lab_program_id(const char *interface);

#endif
