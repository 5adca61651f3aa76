/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers by which people see whether two nodes decide alike, without being told the secret.
 * Pure functions, any thread.
 */
#ifndef SLUICE_FINGERPRINT_H
#define SLUICE_FINGERPRINT_H

#include "model.h"

/*
 * Of the seed: its hash of one fixed flow. It tells two seeds apart (but for one pair in 2^64),
 * and a random seed can't be found from it.
 */
uint64_t fingerprint_seed(const struct flow_key *seed);

/*
 * Of all in a service that decides where a flow goes: vip, port, protocol, scheduler, hash, slots,
 * and the backends' addresses, weights and states in any order. Names and encapsulation don't
 * matter to it.
 */
uint64_t fingerprint_service(const struct service_conf *service);

#endif
