/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share: the functions that libFuzzer calls, and how a target says that
 * something is wrong. tests/fuzz/run.sh runs them.
 */
#ifndef SLUICE_TESTS_FUZZ_FUZZ_H
#define SLUICE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* 0; -1: the input is of no use, and not kept. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

/* Prints a line and ends the process, which libFuzzer takes for a finding. */
_Noreturn void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
