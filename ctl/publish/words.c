/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the states in api.h.
 */
#include "api.h"

ENUM_DEFINE(drain_state, DRAIN_STATES);
ENUM_DEFINE(transition_state, TRANSITION_STATES);
ENUM_DEFINE(capture_end, CAPTURE_ENDS);
ENUM_DEFINE(daemon_socket, DAEMON_SOCKET_WORDS);
