/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The golden vectors of the flow hash, and random flows, in the kernel: what clang makes of
 * flow.h for BPF, and the kernel's JIT of that, gives the same hash. Skipped without root.
 */
#include "../unit/flow_vectors.h"
#include "../unit/siphash_bytes.h"

#include "mutate.h"
#include "sluice/flow.h"

#include "hash.skel.h" /* needs flow.h */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

enum {
	RANDOM_FLOWS = 20000,
};

static struct hash_bpf *skeleton;

static int setup(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	skeleton = hash_bpf__open_and_load();
	return skeleton ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hash_bpf__destroy(skeleton);
	return 0;
}

/* Of a message as flow.h lists it: 13 or 37 bytes. */
static uint64_t kernel_hash(const uint64_t key[2], const uint8_t *message, uint32_t n)
{
	uint8_t frame[64] = {0};
	uint32_t addrs_bytes = n - 5;
	struct flow f = {0};
	be16 ports[2];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);

	memcpy(f.addrs, message, addrs_bytes);
	memcpy(ports, message + addrs_bytes, sizeof(ports));
	f.last = flow_last(ports[0], ports[1], message[n - 1],
			   n == 13 ? FLOW_BYTES_V4 : FLOW_BYTES_V6);
	memcpy(&skeleton->data_input->input_flow, &f, sizeof(f));
	memcpy(&skeleton->data_input->input_key, key, 2 * sizeof(key[0]));
	skeleton->data_input->result_hash = 0;
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.hash_run), &opts) != 0)
		fail_msg("the program did not run");
	return skeleton->data_input->result_hash;
}

static void test_golden(void **state)
{
	(void)state;
	if (!skeleton)
		skip();
	for (size_t i = 0; i < sizeof(flow_vectors) / sizeof(flow_vectors[0]); i++) {
		const struct flow_vector *row = &flow_vectors[i];
		uint64_t hash = kernel_hash(row->key, row->message, row->message_bytes);

		if (hash != row->hash)
			fail_msg("%s: %016llx, expected %016llx", row->name,
				 (unsigned long long)hash, (unsigned long long)row->hash);
	}
}

static void test_random(void **state)
{
	uint64_t seed = 3;

	(void)state;
	if (!skeleton)
		skip();
	for (int i = 0; i < RANDOM_FLOWS; i++) {
		uint64_t key[2] = {random_next(&seed), random_next(&seed)};
		uint32_t n = i % 2 ? 37 : 13;
		uint8_t message[40];

		for (size_t at = 0; at < sizeof(message); at++)
			message[at] = (uint8_t)random_next(&seed);
		if (kernel_hash(key, message, n) != siphash_bytes_hash(key, message, n))
			fail_msg("random flow %d: not the oracle's hash", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
