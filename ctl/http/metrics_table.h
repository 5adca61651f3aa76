/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every metric, once: its name, type, unit and meaning, for metrics_print.c and docs/metrics.md,
 * which a test holds to it. X(scope, name, type, unit, labels, help): scope says of what there is
 * one (NODE, WORKER, PORT, VIP, SERVICE, BACKEND); `name` is the family's, without "sluice_", and
 * without the "_total" of counters and the "_info" of infos; a unit is the last word of the name.
 */
#ifndef SLUICE_METRICS_TABLE_H
#define SLUICE_METRICS_TABLE_H

#include "sluice/memory_counters.h"

#define METRICS_NODE(X)                                                                            \
	X(NODE, build, INFO, "", "version, build, path", "what runs, and on which fast path")      \
	X(NODE, start_time_seconds, GAUGE, "seconds", "", "when sluiced started, since the epoch") \
	X(NODE, services, GAUGE, "", "", "services")                                               \
	X(NODE, backends, GAUGE, "", "state", "backends of all services, by what was asked for")   \
	X(NODE, backends_unresolved, GAUGE, "", "",                                                \
	  "backends that packets can't be sent to, for their next hop is not resolved or behind "  \
	  "no port")                                                                               \
	X(NODE, backends_unreachable, GAUGE, "", "",                                               \
	  "backends that count as down, for packets can't be sent to them for longer than "        \
	  "unresolved_s")                                                                          \
	X(NODE, backends_health, GAUGE, "", "state",                                               \
	  "backends of all services, by what their health checks say; none: they have none")       \
	X(NODE, health_checks, COUNTER, "", "result",                                              \
	  "results of health checks; not_made: the node could not, so that nothing is known")      \
	X(NODE, health_checks_begun, COUNTER, "", "", "health checks that began")                  \
	X(NODE, health_late_seconds, COUNTER, "seconds", "",                                       \
	  "how much later than due they began, all together")                                      \
	X(NODE, transitions, GAUGE, "", "state", "services whose last change is not over yet")     \
	X(NODE, drains, GAUGE, "", "state", "drains of backends, by how far they are")             \
	X(NODE, generation, GAUGE, "", "", "number of the generation that packets see")            \
	X(NODE, generation_published_timestamp_seconds, GAUGE, "seconds", "",                      \
	  "when it was published, since the epoch")                                                \
	X(NODE, generation_publish_duration_seconds, GAUGE, "seconds", "",                         \
	  "from the change asked for to its publication")                                          \
	X(NODE, tables_used_bytes, GAUGE, "bytes", "", "memory of the tables that is in use")      \
	X(NODE, tables_size_bytes, GAUGE, "bytes", "", "memory for the tables: tables_mb")         \
	X(NODE, events, COUNTER, "", "kind", "events since the start, forgotten ones too")         \
	X(NODE, packets, COUNTER, "", "verdict", "all packets, by what became of them")            \
	X(NODE, no_vip_packets, COUNTER, "", "verdict",                                            \
	  "packets to no vip, most of them the kernel's")

/* How sluiced itself fares with the kernel, the disk, its files and its clients. */
#define METRICS_DAEMON(X)                                                                          \
	X(NODE, shortages, COUNTER, "", "what",                                                    \
	  "calls that failed for want of files, memory or the like; what was, stays, and each is " \
	  "tried again")                                                                           \
	X(NODE, files_limit, GAUGE, "", "", "files that the process may have open: LimitNOFILE")   \
	X(NODE, health_checks_with_file, GAUGE, "", "",                                            \
	  "health checks under way that have a file of their own")                                 \
	X(NODE, health_checks_with_file_max, GAUGE, "", "",                                        \
	  "so many may have one at once; the rest of the limit is for what forwards")              \
	X(NODE, health_checks_paced, COUNTER, "", "",                                              \
	  "health checks that began over 0.25 s late, for health.rate allows no more a second")    \
	X(NODE, health_checks_unhurried, COUNTER, "", "",                                          \
	  "checks of backends in doubt that came at their ordinary interval, for too many are")    \
	X(NODE, health_answers_lost, COUNTER, "", "",                                              \
	  "echo replies that the kernel threw away, since they came faster than they were read")   \
	X(NODE, health_process_restarts, COUNTER, "", "",                                          \
	  "times that the process that makes health checks died, and was started again")           \
	X(NODE, health_process_silent_seconds, GAUGE, "seconds", "",                               \
	  "since its last sign of life, of which it gives one each 0.1 s")                         \
	X(NODE, health_checks_queued, COUNTER, "", "",                                             \
	  "health checks that waited for a file, and began late")                                  \
	X(NODE, state_pending, GAUGE, "", "",                                                      \
	  "1: run-time changes are in force that are not on disk yet")                             \
	X(NODE, state_write_failures, COUNTER, "", "",                                             \
	  "times that run-time changes could not be written; tried again until they are")          \
	X(NODE, state_written_timestamp_seconds, GAUGE, "seconds", "",                             \
	  "when they were last written, since the epoch; 0: not since the start")                  \
	X(NODE, config_reloads, COUNTER, "", "result",                                             \
	  "reloads of the configuration; refused: the file has a fault; failed: sluiced could "    \
	  "not")                                                                                   \
	X(NODE, config_last_reload_successful, GAUGE, "", "",                                      \
	  "1: the last reload was, or there was none since the start")                             \
	X(NODE, config_last_reload_success_timestamp_seconds, GAUGE, "seconds", "",                \
	  "when a configuration was last put in force, at the start or by a reload, since the "    \
	  "epoch")                                                                                 \
	X(NODE, next_hop_pictures, COUNTER, "", "",                                                \
	  "times that the kernel was asked for the ways to all backends")                          \
	X(NODE, next_hop_failures, COUNTER, "", "",                                                \
	  "times that it could not be asked; the ways known stay")                                 \
	X(NODE, next_hop_overruns, COUNTER, "", "",                                                \
	  "times that the kernel announced more than the socket holds, and all was asked again")   \
	X(NODE, next_hop_solicitations, COUNTER, "", "",                                           \
	  "neighbours that the kernel was told to find or confirm")                                \
	X(NODE, next_hop_picture_duration_seconds, GAUGE, "seconds", "",                           \
	  "how long asking for all ways took, the last time")                                      \
	X(NODE, next_hops_unresolved, GAUGE, "", "", "backend addresses without a way now")        \
	X(NODE, path_mtu_messages, COUNTER, "", "result",                                          \
	  "messages of routers about outer packets that were too long for them, by what came of "  \
	  "each; lost: they came faster than they were read")                                      \
	X(NODE, path_mtus, GAUGE, "", "",                                                          \
	  "backend addresses whose path is narrower than its first link, as routers told")         \
	X(NODE, log_lines, COUNTER, "", "", "lines said to the log, those lost too")               \
	X(NODE, log_lines_lost, COUNTER, "", "",                                                   \
	  "of them lost, since what reads the log took none")                                      \
	X(NODE, control_clients, GAUGE, "", "socket", "clients that are connected")                \
	X(NODE, control_clients_accepted, COUNTER, "", "socket", "clients that came")              \
	X(NODE, control_clients_refused, COUNTER, "", "socket",                                    \
	  "clients turned away, for too many were connected")                                      \
	X(NODE, control_clients_slow, COUNTER, "", "socket",                                       \
	  "clients closed, for they did not read their answers")                                   \
	X(NODE, control_requests, COUNTER, "", "socket", "requests handled")

#define METRICS_WORKER(X)                                                                         \
	X(WORKER, worker_packets, COUNTER, "", "worker, core", "packets that the worker handled") \
	X(WORKER, worker_bursts, COUNTER, "", "worker, core",                                     \
	  "dpdk: looks at the ports that brought packets")                                        \
	X(WORKER, worker_empty_bursts, COUNTER, "", "worker, core",                               \
	  "dpdk: looks at the ports that brought none")                                           \
	X(WORKER, worker_sleeps, COUNTER, "", "worker, core",                                     \
	  "dpdk: times the worker slept, idle")                                                   \
	X(WORKER, worker_burst_gap_max_seconds, GAUGE, "seconds", "worker, core",                 \
	  "dpdk: longest time between two looks at the ports, sleeps apart")                      \
	X(WORKER, worker_busy_ratio, GAUGE, "ratio", "worker, core",                              \
	  "dpdk: share of the looks at the ports that brought packets, over some 5 seconds")

#define METRICS_PORT(X)                                                               \
	X(PORT, port_up, GAUGE, "", "port, interface", "1: the link is up")           \
	X(PORT, port_state, GAUGE, "", "port, interface, state",                      \
	  "1: the port is in that state; waiting: its device is not there")           \
	X(PORT, port_rx_packets, COUNTER, "", "port, interface", "packets that came") \
	X(PORT, port_tx_packets, COUNTER, "", "port, interface", "packets that went") \
	X(PORT, port_rx_missed_packets, COUNTER, "", "port, interface",               \
	  "packets that came, but found no buffer")                                   \
	X(PORT, port_to_kernel_packets, COUNTER, "", "port, interface",               \
	  "dpdk: packets handed to the kernel")                                       \
	X(PORT, port_from_kernel_packets, COUNTER, "", "port, interface",             \
	  "dpdk: packets that the kernel sent")                                       \
	X(PORT, port_dropped_packets, COUNTER, "", "port, interface, reason",         \
	  "packets lost at the port after or beside their verdict")

#define METRICS_VIP(X)                                   \
	X(VIP, vip_packets, COUNTER, "", "vip, verdict", \
	  "packets to a vip that are of none of its services")

#define METRICS_SERVICE(X)                                                              \
	X(SERVICE, service, INFO, "", "service, vip, port, protocol, encap, scheduler", \
	  "what the service is")                                                        \
	X(SERVICE, service_packets, COUNTER, "", "service, verdict",                    \
	  "packets of the service, by what became of them")                             \
	X(SERVICE, service_backends, GAUGE, "", "service, state",                       \
	  "its backends, by what was asked for")                                        \
	X(SERVICE, service_health, GAUGE, "", "service, state",                         \
	  "its backends, by what their health checks say")                              \
	X(SERVICE, service_unreachable, GAUGE, "", "service",                           \
	  "its backends that count as down for want of a next hop")                     \
	X(SERVICE, service_slots, GAUGE, "", "service", "slots of its lookup table")    \
	X(SERVICE, service_changed_slots, GAUGE, "", "service",                         \
	  "slots whose packets look for their flow; 0 in a steady state")

#define METRICS_BACKEND(X)                                                                        \
	X(BACKEND, backend_packets, COUNTER, "", "service, backend", "packets sent to it")        \
	X(BACKEND, backend_bytes, COUNTER, "bytes", "service, backend",                           \
	  "bytes sent to it, of the inner IP packets")                                            \
	X(BACKEND, backend_weight, GAUGE, "", "service, backend",                                 \
	  "its weight in force: 0 while it drains or is disabled, less during a slow start")      \
	X(BACKEND, backend_slots, GAUGE, "", "service, backend",                                  \
	  "slots of the lookup table that lead to it: its share of new flows")                    \
	X(BACKEND, backend_flows, GAUGE, "", "service, backend", "remembered flows that are its") \
	X(BACKEND, backend_enabled, GAUGE, "", "service, backend", "1: enabled")                  \
	X(BACKEND, backend_draining, GAUGE, "", "service, backend", "1: draining")                \
	X(BACKEND, backend_health_up, GAUGE, "", "service, backend",                              \
	  "1: health checks say so; 0: they say it is down, or nothing yet; no series without "   \
	  "checks")                                                                               \
	X(BACKEND, backend_next_hop_resolved, GAUGE, "", "service, backend",                      \
	  "1: packets can be sent to it; 0: its next hop is not resolved, or behind no port")

/* Of the flow table: X(member of struct memory_counters, meaning), as flow_table_<member>. */
#define METRICS_FLOW_TABLE(X) SLUICE_MEMORY_COUNTERS(X)

/* What serving the metrics themselves took; the last. */
#define METRICS_SCRAPE(X)                                      \
	X(NODE, scrape_duration_seconds, GAUGE, "seconds", "", \
	  "time that sluiced's thread spent on the metrics when they were last read to their end")

#endif
