/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/tables/part.[ch]: a part's life, from its copy into the arena to the last reference.
 */
#include "part.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	MIB = 1 << 20,
};

static void test_part(void **state)
{
	struct arena *arena = aligned_alloc(ARENA_SPACE_ALIGN, MIB);
	struct arena_space *space = arena_space_new(arena, MIB);
	struct part *a, *b, *c;
	char error[ARENA_SPACE_ERROR_MAX];

	assert_non_null(arena);
	assert_non_null(space);
	memset(arena, 0, MIB);
	arena_init(arena, MIB);
	assert_int_equal(((struct arena_head *)arena)->magic, ARENA_MAGIC);
	assert_int_equal(((struct arena_head *)arena)->layout, ARENA_LAYOUT);
	assert_int_equal(((struct arena_head *)arena)->current, 0);
	assert_int_equal(((struct arena_head *)arena)->arena_bytes, MIB);

	a = part_new(space, "first", 6);
	b = part_new(space, "second", 7);
	assert_true(a && b && a->offset != b->offset && a->offset != 0 && b->offset != 0);
	assert_int_equal(a->bytes, 6);
	assert_string_equal(part_data(a), "first");
	assert_string_equal((const char *)arena + b->offset, "second");

	/* A second reference keeps it where it is. */
	assert_ptr_equal(part_ref(a), a);
	part_unref(a);
	assert_int_equal(arena_space_stats(space).spans, 2);
	assert_string_equal(part_data(a), "first");

	/* What is there already, by its place. */
	assert_int_equal(part_adopt(space, a->offset, 6, &c), -EEXIST);
	assert_int_equal(part_adopt(space, MIB, 64, &c), -EINVAL);
	memcpy((char *)arena + MIB / 2, "third", 6);
	assert_int_equal(part_adopt(space, MIB / 2, 6, &c), 0);
	assert_string_equal(part_data(c), "third");

	/* Full. */
	assert_null(part_new(space, arena, MIB - 64));
	arena_space_explain_full(space, MIB - 64, error);
	assert_non_null(strstr(error, "tables_mb"));
	assert_non_null(strstr(error, "1048512"));

	part_unref(a);
	part_unref(b);
	part_unref(c);
	part_unref(NULL);
	assert_true(arena_space_consistent(space));
	assert_int_equal(arena_space_stats(space).spans, 0);
	arena_space_free(space);
	free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
