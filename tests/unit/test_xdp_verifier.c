/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's verifier makes of ebpf/fastpath.bpf.c in each form in which sluiced may load
 * it: it stays far below the million instructions that the verifier examines, so that the next
 * feature loads, too; and it uses nothing that Linux 5.15 doesn't have. Skipped without root.
 */
#include "kernel_features.h"
#include "program.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <linux/bpf.h>

#include "fastpath.skel.h"

enum {
	ARENA_BYTES = 64 << 20,
	EXAMINED_MAX = 500000, /* half of BPF_COMPLEXITY_LIMIT_INSNS; docs/architecture.md */
	/* bpf_task_pt_regs(), the last helper of Linux 5.15. */
	HELPER_LAST_5_15 = 175,
	HELPER_NONE = 100000,
};

static const struct {
	const char *name;
	bool chunks, no_frags, no_tx;
} forms[] = {
	{"one value, frames of several buffers", false, false, false},
	{"one value, frames of one buffer", false, true, false},
	{"one value, frames of one buffer, no XDP_TX", false, true, true},
	{"chunks, frames of several buffers", true, false, false},
	{"chunks, frames of one buffer", true, true, false},
	{"chunks, frames of one buffer, no XDP_TX", true, true, true},
};

/* Tells of a kernel before 5.16 nothing: 0. */
static uint32_t examined(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t bytes = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &bytes), 0);
	return info.verified_insns;
}

static void test_examined(void **state)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct program_config config = {
			.arena_bytes = ARENA_BYTES,
			.services_max = 16,
			.backends_max = 16,
			.ports.ifindex = {1},
			.macs = true,
			.chunks = forms[i].chunks,
			.no_frags = forms[i].no_frags,
			.no_tx = forms[i].no_tx,
		};
		char error[FAST_PATH_ERROR_MAX] = "";
		struct program program;
		uint32_t n;

		if (program_open(&program, &config, error) != 0 ||
		    program_load(&program, error) != 0)
			fail_msg("%s: %s", forms[i].name, error);
		n = examined(program.fd);
		print_message("%s: %u instructions examined\n", forms[i].name, n);
		if (n > EXAMINED_MAX)
			fail_msg("%s: more than %d", forms[i].name, EXAMINED_MAX);
		program_close(&program);
	}
}

/* What Linux 5.18 brought with frames of several buffers. */
static bool helper_is_of_frags(int32_t helper)
{
	return helper >= BPF_FUNC_xdp_get_buff_len && helper <= BPF_FUNC_xdp_store_bytes;
}

/* Helpers by their number, other functions by none: the loader leaves out what isn't called. */
static void check_calls(const struct bpf_program *program)
{
	const struct bpf_insn *insns = bpf_program__insns(program);

	for (size_t i = 0; i < bpf_program__insn_cnt(program); i++) {
		if (insns[i].code != (BPF_JMP | BPF_CALL) || insns[i].src_reg == BPF_PSEUDO_CALL)
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL)
			fail_msg("%s: %zu: calls a kernel function", bpf_program__name(program), i);
		/* Where it takes frames of one buffer: test_one_buffer(). */
		if (insns[i].imm > HELPER_LAST_5_15 && !helper_is_of_frags(insns[i].imm))
			fail_msg("%s: %zu: helper %d is newer than Linux 5.15",
				 bpf_program__name(program), i, insns[i].imm);
	}
}

static bool fits_5_15(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *type =
		btf__type_by_id(btf, (uint32_t)btf__resolve_type(btf, type_id));

	if (btf_is_int(type) || btf_is_enum(type))
		return true;
	if (!btf_is_ptr(type))
		return false;
	type = btf__type_by_id(btf, (uint32_t)btf__resolve_type(btf, type->type));
	return btf_is_struct(type) && type->size > 0;
}

/* btf_prepare_func_args() of Linux 5.15: numbers, and pointers to structs whose size is known. */
static void check_functions(const struct btf *btf)
{
	uint32_t n = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *func = btf__type_by_id(btf, id), *proto;
		const struct btf_param *params;

		if (!btf_is_func(func) || btf_vlen(func) != BTF_FUNC_GLOBAL)
			continue;
		proto = btf__type_by_id(btf, func->type);
		params = btf_params(proto);
		n++;
		assert_in_range(btf_vlen(proto), 1, 5);
		for (uint32_t i = 0; i < btf_vlen(proto); i++)
			if (!fits_5_15(btf, params[i].type))
				fail_msg("%s(): argument %u is nothing that Linux 5.15 takes",
					 btf__name_by_offset(btf, func->name_off), i);
	}
	assert_in_range(n, 5, 100);
}

static void test_linux_5_15(void **state)
{
	struct fastpath_bpf *skeleton = fastpath_bpf__open();
	struct bpf_program *program;

	assert_non_null(skeleton);
	/* Loaded, for only then each has the functions that it calls. */
	bpf_map__set_value_size(skeleton->maps.arena, ARENA_BYTES);
	memcpy((void *)&skeleton->rodata->fastpath_options,
	       &(struct fastpath_options){.arena_bytes = ARENA_BYTES},
	       sizeof(struct fastpath_options));
	bpf_program__set_autoload(skeleton->progs.sluice_xdp_5_15, false);
	assert_int_equal(fastpath_bpf__load(skeleton), 0);
	bpf_object__for_each_program(program, skeleton->obj)
	{
		check_calls(program);
	}
	check_functions(bpf_object__btf(skeleton->obj));
	fastpath_bpf__destroy(skeleton);
}

/* Takes the helpers of frames of several buffers away, as if the kernel had none. */
static int helpers_spoil(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	struct bpf_insn *insns = (struct bpf_insn *)bpf_program__insns(program);

	for (size_t i = 0; i < bpf_program__insn_cnt(program); i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg != BPF_PSEUDO_CALL &&
		    helper_is_of_frags(insns[i].imm))
			insns[i].imm = HELPER_NONE;
	return 0;
}

/*
 * Where frames come in one buffer, the program doesn't come to a helper that Linux 5.15 lacks: it
 * loads though that is one which no kernel has. Where they come in several, it does.
 */
static void test_one_buffer(void **state)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = helpers_spoil);
	int handler = libbpf_register_prog_handler("xdp", BPF_PROG_TYPE_XDP, BPF_XDP, &opts);

	assert_true(handler > 0);
	for (int several = 0; several < 2; several++) {
		const struct program_config config = {
			.arena_bytes = ARENA_BYTES,
			.services_max = 16,
			.backends_max = 16,
			.ports.ifindex = {1},
			.no_frags = !several,
		};
		char error[FAST_PATH_ERROR_MAX] = "";
		struct program program;

		assert_int_equal(program_open(&program, &config, error), 0);
		if ((program_load(&program, error) != 0) != several)
			fail_msg("with frames of %s: %s",
				 several ? "several buffers" : "one buffer",
				 several ? "loaded without a helper that it needs" : error);
		program_close(&program);
	}
	assert_int_equal(libbpf_unregister_prog_handler(handler), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examined),
		cmocka_unit_test(test_one_buffer),
		cmocka_unit_test(test_linux_5_15),
	};

	if (geteuid() != 0) {
		print_message("skip: loading BPF programs needs root\n");
		return 77;
	}
	libbpf_set_print(NULL);
	return cmocka_run_group_tests_name("xdp-verifier", tests, NULL, NULL);
}
