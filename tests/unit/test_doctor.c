/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's checks, each on a host made of files in a temporary folder and of links made up
 * here: what it finds, how bad it is, and the command that mends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"

#define NODE1  "/sys/devices/system/node/node1/"
#define PAGES2 "hugepages/hugepages-2048kB/nr_hugepages"
#define PAGES1 "hugepages/hugepages-1048576kB/nr_hugepages"
#define ONLINE "/sys/devices/system/cpu/online"

#define SYS_NET  "/sys/class/net/"
#define SYS_ETH0 SYS_NET "eth0/"
#define PCI      "/sys/bus/pci/devices/0000:03:00.0/"
#define PCI_NODE "{\"ports\":[{\"device\":\"0000:03:00.0\"}]}"
#define KERNEL(text)                               \
	{                                          \
		"/proc/sys/kernel/osrelease", text \
	}
#define POSSIBLE(text)                                   \
	{                                                \
		"/sys/devices/system/cpu/possible", text \
	}
#define MTU(text)                    \
	{                            \
		SYS_ETH0 "mtu", text \
	}

enum { LOWER_MAX = 3 };

struct file {
	const char *path, *text; /* of a symbolic link: "->" and where it leads */
};

struct row {
	const char *name;
	doctor_check *check;
	struct file files[6];
	struct link_facts link; /* of eth0; another interface is none, but for these */
	struct {
		const char *name;
		struct link_facts facts;
	} lower[LOWER_MAX];
	const char *dataplane, *backends, *services, *counters, *node, *peer; /* JSON */
	const char *daemon_error, *config_error;
	const char *daemon; /* JSON, too */
	/* The first finding that is not good, or else the first. NULL: there is no finding. */
	enum finding_level level;
	const char *text, *mend;
	size_t findings_n; /* in all; 0: one */
};

#define DPDK2                                                                          \
	"{\"path\":\"dpdk\",\"reason\":\"auto\",\"ports\":[{\"interface\":\"eth0\"}]," \
	"\"workers\":[{\"core\":2},{\"core\":3}]}"
#define XDP                                                                           \
	"{\"path\":\"xdp\",\"reason\":\"auto\",\"ports\":[{\"interface\":\"eth0\"}]," \
	"\"workers\":[]}"
#define WORKERS(a, b)                                                                          \
	"{\"path\":\"dpdk\",\"ports\":[],\"workers\":[{\"core\":1,\"packets\":{\"forward\":" a \
	"}},{\"core\":2,\"packets\":{\"forward\":" b "}}]}"
#define PORT(path, state, node, queues, spread, how)                                        \
	"{\"path\":\"" path "\",\"ports\":[{\"interface\":\"sl0\",\"state\":\"" state "\"," \
	"\"numa_node\":" node ",\"queues\":" queues ",\"spread\":\"" spread                 \
	"\",\"spread_how\":\"" how                                                          \
	"\"}],\"workers\":[{\"core\":1,\"numa_node\":0,\"packets\":{}}]}"
#define BACKEND(state, hop)                                                              \
	"{\"backends\":[{\"name\":\"b1\",\"service\":\"web\",\"address\":\"10.0.0.11\"," \
	"\"state\":\"" state "\",\"next_hop\":" hop "}]}"
#define HOP(state, mtu)                                                                            \
	"{\"state\":\"" state "\",\"text\":\"a reason\",\"interface\":\"eth0\",\"mtu_bytes\":" mtu \
	"}"
#define WEB(encap, enabled)                                                                      \
	"{\"services\":[{\"name\":\"web\",\"encap\":\"" encap "\",\"backends_enabled\":" enabled \
	"}]}"
#define VIP(vip, encap) \
	"{\"services\":[{\"name\":\"web\",\"vip\":\"" vip "\",\"encap\":\"" encap "\"}]}"
#define NODE(name, seed, service, print)                      \
	"{\"node\":\"" name "\",\"seed_fingerprint\":\"" seed \
	"\",\"services\":[{\"service\":\"" service "\",\"fingerprint\":\"" print "\"}]}"
#define PEER(name, seed, service, print) "{\"node\":" NODE(name, seed, service, print) "}"

static const struct row rows[] = {
	{.name = "daemon: answers",
	 .check = check_daemon,
	 .dataplane = XDP,
	 .config_error = "x.conf:3: seed: is missing",
	 .level = FINDING_WRONG,
	 .text = "x.conf:3: seed: is missing",
	 .mend = "sluiced --config x.conf --check",
	 .findings_n = 2},
	{.name = "daemon: two faults in the file",
	 .check = check_daemon,
	 .daemon_error = "nobody",
	 .config_error = "x.conf:3: a\nx.conf:4: b",
	 .level = FINDING_WRONG,
	 .text = "nobody",
	 .mend = "systemctl start sluiced",
	 .findings_n = 3},

	{.name = "files: enough",
	 .check = check_files,
	 .daemon = "{\"files\":{\"limit\":4096,\"checks_max\":3600,\"checks_queued\":0}}",
	 .text = "a limit of 4096 files: 3600 health checks"},
	{.name = "files: checks waited",
	 .check = check_files,
	 .daemon = "{\"files\":{\"limit\":300,\"checks_max\":80,\"checks_queued\":7}}",
	 .level = FINDING_SLOW,
	 .text = "7 health checks waited for a file",
	 .mend = "LimitNOFILE"},
	{.name = "health: on time",
	 .check = check_health,
	 .daemon = "{\"checks\":{\"begun\":9,\"late_p99_us\":1200}}",
	 .text = "99 of 100 at most 1.2 ms late"},
	{.name = "health: more than health.rate allows",
	 .check = check_health,
	 .daemon = "{\"checks\":{\"begun\":9,\"rate_max\":5000,\"paced\":7}}",
	 .level = FINDING_SLOW,
	 .text = "7 health checks were late, for health.rate allows 5000 a second",
	 .mend = "raise health.rate"},
	{.name = "health: late",
	 .check = check_health,
	 .daemon = "{\"checks\":{\"begun\":9,\"late_p99_us\":400000}}",
	 .level = FINDING_SLOW,
	 .text = "begins 0.40 s late or more",
	 .mend = "more CPU"},
	{.name = "health: the process hangs",
	 .check = check_health,
	 .daemon = "{\"checks\":{\"begun\":9,\"process_silent_us\":7000000}}",
	 .level = FINDING_WRONG,
	 .text = "has stood still for 7.0 s",
	 .mend = "sluiced-checks"},
	{.name = "health: the process died",
	 .check = check_health,
	 .daemon = "{\"checks\":{\"begun\":9,\"process_restarts\":2}}",
	 .level = FINDING_SLOW,
	 .text = "started again: 2 times",
	 .mend = "report it"},
	{.name = "health: answers were lost",
	 .check = check_health,
	 .daemon = "{\"checks\":{\"begun\":9,\"answers_lost\":3}}",
	 .level = FINDING_SLOW,
	 .text = "3 answers to icmp checks",
	 .mend = "rmem_max"},
	{.name = "shortages: long ago",
	 .check = check_shortages,
	 .daemon = "{\"shortages\":[{\"what\":\"ports\",\"text\":\"looking\",\"failures\":3,"
		   "\"error\":\"No\",\"last_us\":1000000}]}"},
	{.name = "shortages: now",
	 .check = check_shortages,
	 .daemon = "{\"shortages\":[{\"what\":\"ports\",\"text\":\"looking\",\"failures\":3,"
		   "\"error\":\"Too many open files\",\"last_us\":9000000000000000}]}",
	 .level = FINDING_WRONG,
	 .text = "looking failed, 3 times since the start, last 0 s ago: Too many",
	 .mend = "give the node"},
	{.name = "state: kept",
	 .check = check_state,
	 .daemon = "{\"state\":{\"path\":\"/s.json\",\"error\":\"\"}}",
	 .text = "are kept in /s.json"},
	{.name = "state: not kept",
	 .check = check_state,
	 .daemon = "{\"state\":{\"path\":\"/s.json\",\"error\":\"No space\"}}",
	 .level = FINDING_WRONG,
	 .text = "/s.json can't be written: No space",
	 .mend = "every 10 s"},
	{.name = "state: a reload failed",
	 .check = check_state,
	 .daemon = "{\"state\":{\"path\":\"\",\"error\":\"\"},\"reloads\":{\"last_failed\":true}}",
	 .level = FINDING_WRONG,
	 .text = "the last reload was refused",
	 .mend = "reload --check"},
	{.name = "state: the log is not read",
	 .check = check_state,
	 .daemon = "{\"log\":{\"lost\":9}}",
	 .level = FINDING_SLOW,
	 .text = "9 lines of the log were lost",
	 .mend = "what reads the log"},

	{.name = "kernel: too old",
	 .check = check_kernel,
	 .dataplane = XDP,
	 .files = {{"/proc/sys/kernel/osrelease", "5.10.0-8"}},
	 .level = FINDING_WRONG,
	 .text = "Linux 5.10.0-8: the xdp path needs 5.15",
	 .mend = "\"dpdk\"",
	 .findings_n = 2},
	{.name = "kernel: BPF interpreted",
	 .check = check_kernel,
	 .dataplane = XDP,
	 .files = {{"/proc/sys/kernel/osrelease", "5.15.1"},
		   {"/proc/sys/net/core/bpf_jit_enable", "0"}},
	 .level = FINDING_SLOW,
	 .text = "interpreted",
	 .mend = "bpf_jit_enable=1",
	 .findings_n = 3},
	{.name = "kernel: no bpffs",
	 .check = check_kernel,
	 .dataplane = XDP,
	 .node = "{\"pin_dir\":\"/pins/sluice\"}",
	 .files = {{"/proc/sys/kernel/osrelease", "6.1.0"},
		   {"/proc/sys/net/core/bpf_jit_enable", "1"},
		   {"/pins/x", ""}},
	 .level = FINDING_WRONG,
	 .text = "/pins is no bpffs",
	 .mend = "mount -t bpf bpf",
	 .findings_n = 3},
	{.name = "kernel: nothing to ask for dpdk", .check = check_kernel, .dataplane = DPDK2},

	{.name = "cores: isolated",
	 .check = check_cores,
	 .dataplane = DPDK2,
	 .files = {{ONLINE, "0-3"}, {"/sys/devices/system/cpu/isolated", "2-3"}},
	 .text = "core 2 is isolated",
	 .findings_n = 2},
	{.name = "cores: one isn't isolated",
	 .check = check_cores,
	 .dataplane = DPDK2,
	 .files = {{ONLINE, "0-3"}, {"/sys/devices/system/cpu/isolated", "1,2"}},
	 .level = FINDING_SLOW,
	 .text = "core 3 is not isolated",
	 .mend = "isolcpus=3",
	 .findings_n = 2},
	{.name = "cores: one isn't there",
	 .check = check_cores,
	 .dataplane = DPDK2,
	 .files = {{ONLINE, "0-2"}, {"/sys/devices/system/cpu/isolated", "2-3"}},
	 .level = FINDING_WRONG,
	 .text = "core 3 is not there",
	 .mend = "dataplane.cores in x.conf",
	 .findings_n = 2},
	{.name = "cores: core 0",
	 .check = check_cores,
	 .dataplane = "{\"path\":\"dpdk\",\"workers\":[{\"core\":0}]}",
	 .files = {{ONLINE, "0"}},
	 .level = FINDING_SLOW,
	 .text = "core 0",
	 .mend = "restart"},
	{.name = "cores: a governor that saves power",
	 .check = check_cores,
	 .dataplane = "{\"path\":\"dpdk\",\"workers\":[{\"core\":1}]}",
	 .files = {{ONLINE, "0-1"},
		   {"/sys/devices/system/cpu/isolated", "1"},
		   {"/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave"}},
	 .level = FINDING_SLOW,
	 .text = "governor powersave",
	 .mend = "cpupower -c 1",
	 .findings_n = 2},

	{.name = "hugepages: of the node with workers",
	 .check = check_hugepages,
	 .dataplane = DPDK2,
	 .files = {{NODE1 "cpu2", ""}, {NODE1 PAGES2, "512"}},
	 .text = "node 1: 512 of 2048 kB"},
	{.name = "hugepages: none there",
	 .check = check_hugepages,
	 .dataplane = DPDK2,
	 .files = {{NODE1 "cpu3", ""},
		   {NODE1 PAGES2, "0"},
		   {"/sys/devices/system/node/node0/cpu0", ""},
		   {"/sys/devices/system/node/node0/" PAGES2, "512"}},
	 .level = FINDING_SLOW,
	 .text = "node 1 has workers and no hugepages",
	 .mend = "node1/hugepages/hugepages-2048kB/nr_hugepages; then restart"},
	{.name = "hugepages: gigantic ones will do",
	 .check = check_hugepages,
	 .dataplane = DPDK2,
	 .files = {{NODE1 "cpu3", ""}, {NODE1 PAGES2, "0"}, {NODE1 PAGES1, "2"}},
	 .text = "2 of 1 GiB"},
	{.name = "hugepages: no NUMA told",
	 .check = check_hugepages,
	 .dataplane = DPDK2,
	 .level = FINDING_UNKNOWN,
	 .text = "which NUMA node"},

	{.name = "queues: fewer than CPUs",
	 .check = check_queues,
	 .dataplane = XDP,
	 .files = {{ONLINE, "0-7"}},
	 .link = {.driver = "ice", .rx_queues = 2, .rx_queues_max = 16, .hash_udp_ports = {1, 1}},
	 .level = FINDING_SLOW,
	 .text = "eth0: 2 receive queues for 8 CPUs",
	 .mend = "ethtool -L eth0 combined 8"},
	{.name = "queues: the device has no more",
	 .check = check_queues,
	 .dataplane = XDP,
	 .files = {{ONLINE, "0-7"}},
	 .link = {.driver = "veth", .rx_queues = 1, .rx_queues_max = 1},
	 .text = "1 receive queues"},
	{.name = "queues: UDP without ports",
	 .check = check_queues,
	 .dataplane = XDP,
	 .files = {{ONLINE, "0-3"}},
	 .link = {.driver = "ice", .rx_queues = 4, .rx_queues_max = 4, .hash_udp_ports = {1, 0}},
	 .level = FINDING_SLOW,
	 .text = "udp6 is spread",
	 .mend = "rx-flow-hash udp6 sdfn",
	 .findings_n = 2},
	{.name = "queues: not told",
	 .check = check_queues,
	 .dataplane = XDP,
	 .files = {{ONLINE, "0"}},
	 .link = {.driver = "tun", .rx_queues = -1, .rx_queues_max = -1},
	 .level = FINDING_UNKNOWN,
	 .text = "(tun) doesn't tell"},
	{.name = "queues: no such interface",
	 .check = check_queues,
	 .dataplane = "{\"path\":\"xdp\",\"ports\":[{\"interface\":\"eth9\"}],\"workers\":[]}",
	 .level = FINDING_WRONG,
	 .text = "eth9: there is no such",
	 .mend = "dataplane.ports"},
	{.name = "xdp: in the driver",
	 .check = check_native,
	 .dataplane = XDP,
	 .link = {"virtio_net", .xdp_generic = 0, .mtu_bytes = 1600},
	 .text = "in its driver (virtio_net)"},
	{.name = "xdp: generic, for the driver",
	 .check = check_native,
	 .dataplane = XDP,
	 .link = {"e1000e", .xdp_generic = 1, .mtu_bytes = 1600},
	 .level = FINDING_SLOW,
	 .text = "behind its driver (e1000e)",
	 .mend = "a NIC whose driver has XDP"},
	{.name = "xdp: generic, perhaps for the MTU",
	 .check = check_native,
	 .dataplane = XDP,
	 .link = {"virtio_net", .xdp_generic = 1, .mtu_bytes = 9000},
	 .level = FINDING_SLOW,
	 .text = "the MTU of 9000",
	 .mend = "ip link set dev eth0 mtu 3000"},
	{.name = "xdp: not told",
	 .check = check_native,
	 .dataplane = XDP,
	 .link = {"x", .xdp_generic = -1, .mtu_bytes = -1}},
	{.name = "xdp: nothing to ask for dpdk", .check = check_native, .dataplane = DPDK2},

	{.name = "workers: one has it all",
	 .check = check_queues,
	 .dataplane = WORKERS("1", "999999"),
	 .level = FINDING_SLOW,
	 .text = "worker 1 of 2 had 99 %",
	 .mend = "RSS"},
	{.name = "workers: shared",
	 .check = check_queues,
	 .dataplane = WORKERS("500000", "500000"),
	 .text = "2 share the packets"},
	{.name = "workers: too few packets to tell",
	 .check = check_queues,
	 .dataplane = WORKERS("999", "99000")},
	{.name = "workers: one is idle",
	 .check = check_queues,
	 .dataplane = WORKERS("1271", "0"),
	 .level = FINDING_SLOW,
	 .text = "worker 1 has had none of 1271 packets",
	 .mend = "one core fewer"},
	{.name = "workers: one is idle, of few packets",
	 .check = check_queues,
	 .dataplane = WORKERS("0", "999")},

	{.name = "port: up",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "up", "null", "1", "one", ""),
	 .text = "1 of 1 have a link"},
	{.name = "port: no link",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "down", "null", "1", "one", ""),
	 .level = FINDING_WRONG,
	 .text = "sl0 is down",
	 .mend = "look at the cable"},
	{.name = "port: set down, on xdp",
	 .check = check_ports,
	 .dataplane = PORT("xdp", "down", "null", "0", "unknown", ""),
	 .level = FINDING_WRONG,
	 .text = "sl0 is down",
	 .mend = "ip link set dev sl0 up"},
	{.name = "port: taken away",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "waiting", "null", "1", "one", ""),
	 .level = FINDING_WRONG,
	 .text = "sl0 is waiting",
	 .mend = "put the device back"},
	{.name = "port: wants a new process",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "returned", "null", "1", "one", ""),
	 .level = FINDING_WRONG,
	 .text = "sl0 is returned",
	 .mend = "systemctl restart sluiced"},
	{.name = "rss: as wanted",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "up", "0", "2", "flows", "RSS by a key"),
	 .text = "sl0: RSS by a key",
	 .findings_n = 2},
	{.name = "rss: a part",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "up", "0", "2", "some", "udp4 by addresses alone"),
	 .level = FINDING_SLOW,
	 .text = "udp4 by addresses alone",
	 .findings_n = 2},
	{.name = "rss: none",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "up", "0", "2", "none", "no RSS"),
	 .level = FINDING_SLOW,
	 .text = "sl0: no RSS",
	 .mend = "dataplane.cores one core",
	 .findings_n = 2},
	{.name = "numa: another node's worker",
	 .check = check_ports,
	 .dataplane = PORT("dpdk", "up", "1", "1", "one", ""),
	 .level = FINDING_SLOW,
	 .text = "sl0 is at NUMA node 1, worker 0 at node 0",
	 .mend = "cores of node 1",
	 .findings_n = 2},

	{.name = "offloads: LRO",
	 .check = check_offloads,
	 .dataplane = XDP,
	 .link = {.driver = "ixgbe", .lro = 1},
	 .level = FINDING_WRONG,
	 .text = "LRO merges",
	 .mend = "ethtool -K eth0 lro off"},
	{.name = "offloads: veth",
	 .check = check_offloads,
	 .dataplane = XDP,
	 .link = {.driver = "veth"},
	 .level = FINDING_UNKNOWN,
	 .text = "eth0 is a veth",
	 .mend = "PEER tx off"},
	{.name = "offloads: none",
	 .check = check_offloads,
	 .dataplane = XDP,
	 .link = {.driver = "ice"},
	 .text = "LRO is off"},

	{.name = "vlan: tags are taken out",
	 .check = check_links,
	 .dataplane = XDP,
	 .files = {{"/proc/self/net/vlan/config",
		    "VLAN Dev name    | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\n"
		    "eth1.7         | 7  | eth1\neth0.8         | 8  | eth0"}},
	 .link = {.driver = "ixgbe", .rxvlan = 1, .rxvlan_at = "eth0"},
	 .level = FINDING_WRONG,
	 .text = "eth0 has 1 VLANs",
	 .mend = "ethtool -K eth0 rxvlan off"},
	{.name = "vlan: tags are left",
	 .check = check_links,
	 .dataplane = XDP,
	 .files = {{"/proc/self/net/vlan/config", "eth0.8         | 8  | eth0"}},
	 .link = {.driver = "ixgbe", .rxvlan = 0}},
	{.name = "vlan: none is there",
	 .check = check_links,
	 .dataplane = XDP,
	 .files = {{"/proc/self/net/vlan/config", "eth1.7         | 7  | eth1"}},
	 .link = {.driver = "ixgbe", .rxvlan = 1, .rxvlan_at = "eth0"},
	 .text = "has no VLAN"},
	{.name = "vlan: a bond's member takes them out",
	 .check = check_links,
	 .dataplane = XDP,
	 .files = {{"/proc/self/net/vlan/config", "eth0.8         | 8  | eth0"}},
	 .link = {.driver = "bonding", .kind = "bond", .rxvlan = 1, .rxvlan_at = "eth5"},
	 .level = FINDING_WRONG,
	 .text = "eth5: it takes VLAN tags out",
	 .findings_n = 2,
	 .mend = "ethtool -K eth5 rxvlan off"},
	{.name = "vlan: below net_af_xdp",
	 .check = check_links,
	 .dataplane = PORT("dpdk", "up", "0", "1", "one", ""),
	 .node = "{\"ports\":[{\"device\":\"net_af_xdp0,iface=eth0,busy_budget=0\"}]}",
	 .files = {{"/proc/self/net/vlan/config", "sl0.8          | 8  | sl0"}},
	 .link = {.driver = "ixgbe", .rxvlan = 1, .rxvlan_at = "eth0"},
	 .level = FINDING_WRONG,
	 .text = "before Sluice sees them, and sl0 has 1 VLANs",
	 .mend = "ethtool -K eth0 rxvlan off"},
	{.name = "vlan: below net_af_xdp, none",
	 .check = check_links,
	 .dataplane = PORT("dpdk", "up", "0", "1", "one", ""),
	 .node = "{\"ports\":[{\"device\":\"net_af_xdp0,iface=eth0\"}]}",
	 .link = {.driver = "ixgbe", .rxvlan = 1, .rxvlan_at = "eth0"},
	 .text = "sl0 has no VLAN"},
	{.name = "vlan: of other DPDK devices",
	 .check = check_links,
	 .dataplane = PORT("dpdk", "up", "0", "1", "one", ""),
	 .node = PCI_NODE,
	 .link = {.driver = "ixgbe", .rxvlan = 1, .rxvlan_at = "eth0"}},
	{.name = "link: a bond's member",
	 .check = check_links,
	 .dataplane = XDP,
	 .link = {.driver = "ixgbe", .master = "bond0", .master_kind = "bond"},
	 .level = FINDING_WRONG,
	 .text = "eth0 is a member of bond0 (bond)",
	 .mend = "interface = \"bond0\""},
	{.name = "link: of a VRF",
	 .check = check_links,
	 .dataplane = XDP,
	 .link = {.driver = "ixgbe", .master = "red", .master_kind = "vrf"}},
	{.name = "link: a VLAN",
	 .check = check_links,
	 .dataplane = XDP,
	 .link = {.driver = "802.1Q VLAN Support", .kind = "vlan"},
	 .level = FINDING_WRONG,
	 .text = "eth0 is a VLAN",
	 .mend = "the device below it"},
	{.name = "link: segments are merged below",
	 .check = check_links,
	 .dataplane = XDP,
	 .files = {{SYS_ETH0 "lower_bond0", "->../bond0"},
		   {SYS_NET "bond0/lower_eth1", "->../eth1"},
		   {SYS_NET "bond0/lower_eth2", "->../eth2"}},
	 .link = {.driver = "macvlan", .kind = "macvlan"},
	 .lower = {{"bond0", {.kind = "bond", .gro = 1}},
		   {"eth1", {.gro = 1}},
		   {"eth2", {.gro = 0}}},
	 .level = FINDING_WRONG,
	 .text = "(GRO: eth1)",
	 .findings_n = 2,
	 .mend = "for device in eth1; do ethtool -K $device gro off; done"},
	{.name = "link: a bond in generic mode",
	 .check = check_links,
	 .dataplane = XDP,
	 .files = {{SYS_ETH0 "lower_eth1", "->../eth1"}},
	 .link = {.driver = "bonding", .kind = "bond", .xdp_generic = 1},
	 .lower = {{"eth1", {.gro = 1}}},
	 .level = FINDING_WRONG,
	 .text = "(GRO: eth1)",
	 .findings_n = 2,
	 .mend = "ethtool -K $device gro off"},
	{.name = "link: a bond",
	 .check = check_links,
	 .dataplane = XDP,
	 .link = {.driver = "bonding", .kind = "bond"},
	 .text = "native if the drivers"},

	{.name = "nic: has all it needs",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.12.1"), POSSIBLE("0-7"), MTU("1600")},
	 .link = {.driver = "ice", .rx_queues = 8, .rx_queues_max = 64},
	 .text = "eth0: ice (Intel E810 and E82x): native XDP up to an MTU of 3046, beyond in "
		 "several"},
	{.name = "nic: known by sysfs alone",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0-50"),
		   POSSIBLE("0-7"),
		   MTU("1500"),
		   {SYS_ETH0 "device/driver", "->../../../../bus/pci/drivers/igb"}},
	 .link = {.rx_queues = 8, .rx_queues_max = 8},
	 .text = "igb (Intel 82576, 82580, I350, I210)"},
	{.name = "nic: not in the table",
	 .check = check_nics,
	 .dataplane = XDP,
	 .link = {.driver = "tun"},
	 .level = FINDING_UNKNOWN,
	 .text = "(tun) is none that docs"},
	{.name = "nic: no native XDP at all",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.12.1")},
	 .link = {.driver = "e1000e"},
	 .level = FINDING_SLOW,
	 .text = "e1000e (Intel 82574 and PCH) has no native XDP",
	 .mend = "another card"},
	{.name = "nic: none before 6.6",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0-50-amd64")},
	 .link = {.driver = "vmxnet3"},
	 .level = FINDING_SLOW,
	 .text = "from Linux 6.6 on, this is 6.1",
	 .mend = "install Linux 6.6"},
	{.name = "nic: of the kernel that is long enough there",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.6.0"), MTU("1600")},
	 .link = {.driver = "vmxnet3"},
	 .text = "native XDP up to an MTU of 3494"},
	{.name = "nic: jumbo frames, kernel too old for them",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.3.0"), MTU("9000")},
	 .link = {.driver = "i40e"},
	 .level = FINDING_SLOW,
	 .text = "i40e takes native XDP up to an MTU of 3046 here, not 9000",
	 .mend = "ip link set dev eth0 mtu 3046"},
	{.name = "nic: jumbo frames from the next kernel on",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.4.0"), MTU("9000")},
	 .link = {.driver = "i40e"},
	 .text = "beyond in several buffers"},
	{.name = "nic: jumbo frames never",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.12.0"), MTU("3051")},
	 .link = {.driver = "ixgbe"},
	 .level = FINDING_SLOW,
	 .text = "ixgbe takes native XDP up to an MTU of 3050 here, not 3051",
	 .mend = "mtu 3050"},
	{.name = "nic: the largest MTU",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.12.0"), MTU("3050")},
	 .link = {.driver = "ixgbe"},
	 .text = "native XDP up to an MTU of 3050"},
	{.name = "nic: legacy-rx leaves less room",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), MTU("1700")},
	 .link = {.driver = "ice", .legacy_rx = 1},
	 .level = FINDING_SLOW,
	 .text = "with legacy-rx, ice takes native XDP up to an MTU of 1638",
	 .mend = "--set-priv-flags eth0 legacy-rx off"},
	{.name = "nic: mlx5 with striding queues and jumbo frames",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.12.0"), MTU("9000")},
	 .link = {.driver = "mlx5_core", .rx_striding_rq = 1},
	 .level = FINDING_WRONG,
	 .text = "mlx5_core with MTU 9000 and striding receive queues",
	 .mend = "rx_striding_rq off; or: ip link set dev eth0 mtu 3498"},
	{.name = "nic: mlx5 without striding queues",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), MTU("9000")},
	 .link = {.driver = "mlx5_core"},
	 .text = "mlx5_core (NVIDIA ConnectX-4 and later): native XDP"},
	{.name = "nic: mlx5 with striding queues and frames of one buffer",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), MTU("3498")},
	 .link = {.driver = "mlx5_core", .rx_striding_rq = 1},
	 .text = "up to an MTU of 3498"},
	{.name = "nic: ena needs half of its channels",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), MTU("1500")},
	 .link = {.driver = "ena", .rx_queues = 5, .rx_queues_max = 8},
	 .level = FINDING_SLOW,
	 .text = "at most half of its 8 channels, 5 are in use",
	 .mend = "ethtool -L eth0 combined 4; then"},
	{.name = "nic: ena with half of its channels",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), MTU("1500")},
	 .link = {.driver = "ena", .rx_queues = 4, .rx_queues_max = 8},
	 .text = "ena (Amazon ENA)"},
	{.name = "queues: half of the channels are all of ena's",
	 .check = check_queues,
	 .dataplane = XDP,
	 .files = {{ONLINE, "0-7"}},
	 .link = {.driver = "ena", .rx_queues = 4, .rx_queues_max = 8, .hash_udp_ports = {1, 1}},
	 .text = "4 receive queues for 8 CPUs"},
	{.name = "nic: gve's channels are set apart",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.12.0"), MTU("1460")},
	 .link = {.driver = "gve", .rx_queues = 16, .rx_queues_max = 16},
	 .level = FINDING_SLOW,
	 .text = "at most half of its 16 channels",
	 .mend = "ethtool -L eth0 rx 8 tx 8"},
	{.name = "queues: gve's channels are set apart",
	 .check = check_queues,
	 .dataplane = XDP,
	 .files = {{ONLINE, "0-3"}},
	 .link = {.driver = "gve", .rx_queues = 1, .rx_queues_max = 16, .hash_udp_ports = {1, 1}},
	 .level = FINDING_SLOW,
	 .text = "1 receive queues for 4",
	 .mend = "eth0 rx 4 tx 4"},
	{.name = "nic: virtio without queues to send by",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), POSSIBLE("0-3"), MTU("1500")},
	 .link = {.driver = "virtio_net", .rx_queues = 4, .rx_queues_max = 4},
	 .level = FINDING_SLOW,
	 .text = "virtio_net has 4 queue pairs; with 4 in use and one more for each of 4 CPUs",
	 .mend = "QEMU: queues=8, vectors=18"},
	{.name = "nic: virtio with enough",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), POSSIBLE("0-3"), MTU("1500")},
	 .link = {.driver = "virtio_net", .rx_queues = 4, .rx_queues_max = 8},
	 .text = "(virtio)"},
	{.name = "nic: virtio with enough, XDP on it",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), POSSIBLE("0-3"), MTU("1500")},
	 .link = {.driver = "virtio_net", .rx_queues = 8, .rx_queues_max = 8},
	 .text = "(virtio)"},
	{.name = "nic: virtio, an MTU over a page",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), POSSIBLE("0"), MTU("9000")},
	 .link = {.driver = "virtio_net", .rx_queues = 1, .rx_queues_max = 2},
	 .level = FINDING_SLOW,
	 .text = "virtio_net takes native XDP up to an MTU of 3506 here, not 9000",
	 .mend = "ip link set dev eth0 mtu 3506"},
	{.name = "nic: ixgbe with more CPUs than it has queues for",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"), POSSIBLE("0-128"), MTU("1500")},
	 .link = {.driver = "ixgbe"},
	 .level = FINDING_SLOW,
	 .text = "at most 128 CPUs, the kernel is ready for 129",
	 .mend = "nr_cpus=128"},
	{.name = "nic: ixgbe with virtual functions",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"),
		   POSSIBLE("0-127"),
		   MTU("1500"),
		   {SYS_ETH0 "device/sriov_numvfs", "4"}},
	 .link = {.driver = "ixgbe"},
	 .level = FINDING_SLOW,
	 .text = "virtual functions (4)",
	 .mend = "echo 0 >"},
	{.name = "nic: ice with virtual functions",
	 .check = check_nics,
	 .dataplane = XDP,
	 .files = {KERNEL("6.1.0"),
		   POSSIBLE("0-127"),
		   MTU("1500"),
		   {SYS_ETH0 "device/sriov_numvfs", "4"}},
	 .link = {.driver = "ice"},
	 .text = "ice (Intel E810 and E82x)"},
	{.name = "nic: dpdk, bound to vfio-pci",
	 .check = check_nics,
	 .dataplane = DPDK2,
	 .node = PCI_NODE,
	 .files = {{PCI "driver", "->/sys/bus/pci/drivers/vfio-pci"}, {PCI "vendor", "0x8086"}},
	 .text = "0000:03:00.0: vfio-pci has it"},
	{.name = "nic: dpdk, still the kernel's",
	 .check = check_nics,
	 .dataplane = DPDK2,
	 .node = PCI_NODE,
	 .files = {{PCI "driver", "->/sys/bus/pci/drivers/ice"}, {PCI "vendor", "0x8086"}},
	 .level = FINDING_WRONG,
	 .text = "the kernel's ice has it",
	 .mend = "--bind=vfio-pci 0000:03:00.0"},
	{.name = "nic: dpdk, nobody's",
	 .check = check_nics,
	 .dataplane = DPDK2,
	 .node = PCI_NODE,
	 .files = {{PCI "vendor", "0x8086"}},
	 .level = FINDING_WRONG,
	 .text = "no driver has it",
	 .mend = "--bind=vfio-pci 0000:03:00.0"},
	{.name = "nic: dpdk, mlx5 through the kernel",
	 .check = check_nics,
	 .dataplane = DPDK2,
	 .node = PCI_NODE,
	 .files = {{PCI "driver", "->/sys/bus/pci/drivers/mlx5_core"}, {PCI "vendor", "0x15b3"}},
	 .text = "mlx5_core has it, through which DPDK works"},
	{.name = "nic: dpdk, mlx5 taken from the kernel",
	 .check = check_nics,
	 .dataplane = DPDK2,
	 .node = PCI_NODE,
	 .files = {{PCI "driver", "->/sys/bus/pci/drivers/vfio-pci"}, {PCI "vendor", "0x15b3"}},
	 .level = FINDING_WRONG,
	 .text = "through the kernel's mlx5_core",
	 .mend = "--bind=mlx5_core 0000:03:00.0"},
	{.name = "nic: dpdk, a virtual device",
	 .check = check_nics,
	 .dataplane = DPDK2,
	 .node = "{\"ports\":[{\"device\":\"net_af_xdp0,iface=l0\"}]}"},
	{.name = "nic: dpdk, gve has no room for outer headers",
	 .check = check_nics,
	 .dataplane =
		 "{\"path\":\"dpdk\",\"ports\":[{\"interface\":\"sl0\",\"driver\":\"net_gve\"}]}",
	 .level = FINDING_SLOW,
	 .text = "sl0: net_gve (Google gVNIC) takes no MTU above 1460",
	 .mend = "Linux 6.4"},

	{.name = "rp_filter: strict for all",
	 .check = check_reverse_path,
	 .dataplane = DPDK2,
	 .files = {{"/proc/sys/net/ipv4/conf/all/rp_filter", "1"},
		   {"/proc/sys/net/ipv4/conf/eth0/rp_filter", "0"}},
	 .level = FINDING_WRONG,
	 .text = "eth0: strict",
	 .mend = "conf.eth0.rp_filter=2"},
	{.name = "rp_filter: loose wins",
	 .check = check_reverse_path,
	 .dataplane = DPDK2,
	 .files = {{"/proc/sys/net/ipv4/conf/all/rp_filter", "1"},
		   {"/proc/sys/net/ipv4/conf/eth0/rp_filter", "2"}},
	 .text = "not strict"},

	{.name = "next hop: no route",
	 .check = check_next_hops,
	 .services = WEB("ipip", "1"),
	 .backends = BACKEND("enabled", HOP("no_route", "0")),
	 .level = FINDING_WRONG,
	 .text = "b1 of web (10.0.0.11): a reason",
	 .mend = "ip route add 10.0.0.11 via"},
	{.name = "next hop: no neighbour",
	 .check = check_next_hops,
	 .services = WEB("ipip", "1"),
	 .backends = BACKEND("draining", HOP("no_neighbour", "0")),
	 .level = FINDING_WRONG,
	 .text = "b1 of web",
	 .mend = "ip neigh show dev eth0"},
	{.name = "next hop: of a disabled one",
	 .check = check_next_hops,
	 .services = WEB("ipip", "0"),
	 .backends = BACKEND("disabled", HOP("no_route", "0")),
	 .level = FINDING_WRONG,
	 .text = "web has no enabled backend",
	 .mend = "sluicectl backend enable web",
	 .findings_n = 2},
	{.name = "next hop: all there",
	 .check = check_next_hops,
	 .services = WEB("ipip", "1"),
	 .backends = BACKEND("enabled", HOP("resolved", "1500")),
	 .text = "all 1 backends"},

	{.name = "mtu: no room for ipip",
	 .check = check_mtu,
	 .services = WEB("ipip", "1"),
	 .backends = BACKEND("enabled", HOP("resolved", "1519")),
	 .level = FINDING_SLOW,
	 .text = "eth0 carries 1519 bytes",
	 .mend = "ip link set dev eth0 mtu 1520"},
	{.name = "mtu: room for ipip",
	 .check = check_mtu,
	 .services = WEB("ipip", "1"),
	 .backends = BACKEND("enabled", HOP("resolved", "1520")),
	 .text = "fit"},
	{.name = "mtu: gue0 needs 12 more",
	 .check = check_mtu,
	 .services = WEB("gue0", "1"),
	 .backends = BACKEND("enabled", HOP("resolved", "1520")),
	 .level = FINDING_SLOW,
	 .text = "need 1532",
	 .mend = "mtu 1532"},

	{.name = "mtu: too narrow for what an IPv6 client may send",
	 .check = check_mtu,
	 .services = VIP("2001:db8::1", "ipip"),
	 .backends = BACKEND("enabled", HOP("resolved", "1299")),
	 .level = FINDING_WRONG,
	 .text = "b1 of web (10.0.0.11): eth0 carries 1299 bytes, of which outer headers take 20: "
		 "packets "
		 "of 1280",
	 .mend = "ip link set dev eth0 mtu 1300",
	 .findings_n = 2},
	{.name = "mtu: just wide enough for that",
	 .check = check_mtu,
	 .services = VIP("2001:db8::1", "ipip"),
	 .backends = BACKEND("enabled", HOP("resolved", "1300")),
	 .level = FINDING_SLOW,
	 .text = "eth0 carries 1300 bytes, but",
	 .mend = "mtu 1520"},
	{.name = "mtu: IPv4 takes less",
	 .check = check_mtu,
	 .services = VIP("198.51.100.1", "gue0"),
	 .backends = BACKEND("enabled", HOP("resolved", "608")),
	 .level = FINDING_SLOW,
	 .text = "eth0 carries 608 bytes, but",
	 .mend = "mtu 1532"},
	{.name = "mtu: but not that little",
	 .check = check_mtu,
	 .services = VIP("198.51.100.1", "gue0"),
	 .backends = BACKEND("enabled", HOP("resolved", "607")),
	 .level = FINDING_WRONG,
	 .text = "packets of 576, which each IPv4 client may send",
	 .mend = "mtu 608",
	 .findings_n = 2},
	{.name = "mtu: a router told of a narrow path",
	 .check = check_mtu,
	 .services = VIP("2001:db8::1", "gue"),
	 .backends = BACKEND("enabled",
			     "{\"state\":\"resolved\",\"interface\":\"eth0\",\"via\":\"10.0.0.1\","
			     "\"mtu_bytes\":1300,\"first_mtu_bytes\":1500}"),
	 .level = FINDING_WRONG,
	 .text = "the path, as a router on it says, carries 1300 bytes",
	 .mend = "give the link behind 10.0.0.1, on the way to 10.0.0.11, an MTU of 1308",
	 .findings_n = 2},

	{.name = "drops: none",
	 .check = check_drops,
	 .dataplane = XDP,
	 .counters = "{\"services\":[{\"packets\":{\"forward\":5,\"no_next_hop\":0}}]}",
	 .text = "no packet was lost"},
	{.name = "drops: no next hop",
	 .check = check_drops,
	 .dataplane = XDP,
	 .counters = "{\"services\":[{\"packets\":{\"no_next_hop\":2}},"
		     "{\"packets\":{\"no_next_hop\":3}}]}",
	 .level = FINDING_WRONG,
	 .text = "5 packets were dropped as no_next_hop",
	 .mend = "show backends"},
	{.name = "drops: no buffer",
	 .check = check_drops,
	 .counters = "{\"services\":[]}",
	 .dataplane = "{\"ports\":[{\"interface\":\"eth0\",\"rx_packets\":90,\"rx_missed\":10}]}",
	 .level = FINDING_SLOW,
	 .text = "eth0: 10 of 100 packets",
	 .mend = "workers"},

	{.name = "drops: at a port, without XDP at its other end",
	 .check = check_drops,
	 .counters = "{\"services\":[]}",
	 .level = FINDING_WRONG,
	 .dataplane =
		 "{\"ports\":[{\"interface\":\"eth0\",\"dropped\":{\"no_xdp\":7,\"full\":0}}]}",
	 .text = "eth0: 7 packets were lost (no_xdp)",
	 .mend = "gro on",
	 .findings_n = 1},
	{.name = "drops: at a port, above its MTU",
	 .check = check_drops,
	 .counters = "{\"services\":[]}",
	 .level = FINDING_WRONG,
	 .dataplane = "{\"ports\":[{\"interface\":\"eth0\",\"dropped\":{\"too_long\":7}}]}",
	 .text = "longer than its MTU",
	 .mend = "ip link set dev eth0 mtu 1556",
	 .findings_n = 1},
	{.name = "drops: at a port that is down",
	 .check = check_drops,
	 .counters = "{\"services\":[]}",
	 .level = FINDING_WRONG,
	 .dataplane = "{\"ports\":[{\"interface\":\"eth0\",\"dropped\":{\"down\":7}}]}",
	 .text = "it was down",
	 .mend = "ip link set dev eth0 up",
	 .findings_n = 1},
	{.name = "drops: on the way to the kernel",
	 .check = check_drops,
	 .counters = "{\"services\":[]}",
	 .level = FINDING_SLOW,
	 .dataplane = "{\"ports\":[{\"interface\":\"sl0\",\"dropped\":{\"kernel_vip\":7}}]}",
	 .text = "sl0: 7 packets were lost (kernel_vip)",
	 .mend = "tcpdump -ni sl0",
	 .findings_n = 1},

	{.name = "nodes: alike",
	 .check = check_nodes,
	 .node = NODE("a", "1", "web", "2"),
	 .peer = PEER("b", "1", "web", "2"),
	 .text = "b decides as a does"},
	{.name = "nodes: two seeds",
	 .check = check_nodes,
	 .node = NODE("a", "1", "web", "2"),
	 .peer = PEER("b", "3", "web", "2"),
	 .level = FINDING_WRONG,
	 .text = "the seeds of a and b differ",
	 .mend = "one seed"},
	{.name = "nodes: a service differs",
	 .check = check_nodes,
	 .node = NODE("a", "1", "web", "2"),
	 .peer = PEER("b", "1", "web", "3"),
	 .level = FINDING_WRONG,
	 .text = "service web: slots",
	 .mend = "slots"},
	{.name = "nodes: other services",
	 .check = check_nodes,
	 .node = NODE("a", "1", "web", "2"),
	 .peer = PEER("b", "1", "dns", "2"),
	 .level = FINDING_WRONG,
	 .text = "service web is on a, not on b",
	 .mend = "same services",
	 .findings_n = 2},
	{.name = "nodes: the other's daemon was down",
	 .check = check_nodes,
	 .node = NODE("a", "1", "web", "2"),
	 .peer = "{\"node\":null}",
	 .level = FINDING_UNKNOWN,
	 .text = "no member",
	 .mend = "ssh NODE"},
	{.name = "nodes: none to compare",
	 .check = check_nodes,
	 .node = NODE("a", "1", "web", "2")},
};

static const struct row *current;

static int fake_link(const char *interface, struct link_facts *facts)
{
	for (size_t i = 0; i < LOWER_MAX; i++)
		if (current->lower[i].name && strcmp(interface, current->lower[i].name) == 0) {
			*facts = current->lower[i].facts;
			return 0;
		}
	if (strcmp(interface, "eth0") != 0)
		return -ENODEV;
	*facts = current->link;
	return 0;
}

static void file_write(const char *root, const struct file *file)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s%s", root, file->path);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0)
			assert_int_equal(errno, EEXIST);
		*slash = '/';
	}
	if (strncmp(file->text, "->", 2) == 0) {
		assert_int_equal(symlink(file->text + 2, path), 0);
		return;
	}
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "%s\n", file->text);
	fclose(out);
}

static int forget(const char *path, const struct stat *stat, int flag, struct FTW *where)
{
	return remove(path);
}

static json_t *parse(const char *text)
{
	json_t *value = text ? json_loads(text, 0, NULL) : NULL;

	if (text && !value)
		fail_msg("%s: the row's JSON is none: %s", current->name, text);
	return value;
}

static const struct finding *told(const struct doctor *d)
{
	for (size_t i = 0; i < d->findings_n; i++)
		if (d->findings[i].level != FINDING_GOOD)
			return &d->findings[i];
	return d->findings_n ? &d->findings[0] : NULL;
}

static void compare(const struct row *row, const struct doctor *d)
{
	const struct finding *f = told(d);
	size_t want = row->findings_n ? row->findings_n : row->text != NULL;

	if (d->findings_n != want)
		fail_msg("%s: %zu findings, not %zu; first: %s", row->name, d->findings_n, want,
			 f ? f->text : "-");
	if (!row->text)
		return;
	if (f->level != row->level || !strstr(f->text, row->text))
		fail_msg("%s: %s: %s", row->name, finding_level_name(f->level), f->text);
	if (row->mend ? !f->mend || !strstr(f->mend, row->mend) : f->mend != NULL)
		fail_msg("%s: mend: %s", row->name, f->mend ? f->mend : "-");
}

static void run_row(const struct row *row, const char *root)
{
	const struct host host = {.root = root, .link_read = fake_link};
	struct patient p = {.host = &host,
			    .config_path = "x.conf",
			    .config_error = row->config_error,
			    .daemon_error = row->daemon_error};
	struct doctor d = {.patient = &p};

	current = row;
	for (size_t i = 0; i < 6 && row->files[i].path; i++)
		file_write(root, &row->files[i]);
	p.dataplane = parse(row->dataplane);
	p.backends = parse(row->backends);
	p.services = parse(row->services);
	p.counters = parse(row->counters);
	p.node = parse(row->node);
	p.daemon = parse(row->daemon);
	p.peer = parse(row->peer);
	row->check(&d);
	compare(row, &d);
	doctor_free(&d);
	json_decref(p.dataplane);
	json_decref(p.backends);
	json_decref(p.services);
	json_decref(p.counters);
	json_decref(p.node);
	json_decref(p.daemon);
	json_decref(p.peer);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char root[] = "/tmp/sluice-doctor.XXXXXX";

		assert_non_null(mkdtemp(root));
		run_row(&rows[i], root);
		nftw(root, forget, 8, FTW_DEPTH | FTW_PHYS);
	}
}

/* This host: nothing crashes without a daemon, and the worst level is that of a finding. */
static void test_here(void **state)
{
	const struct patient p = {.host = &host_here,
				  .config_path = "x.conf",
				  .config_error = "x.conf: no such file",
				  .daemon_error = "none"};
	struct doctor d;

	assert_int_equal(doctor_examine(&d, &p), 0);
	assert_true(d.findings_n >= 2);
	assert_int_equal(doctor_worst(&d), FINDING_WRONG);
	doctor_free(&d);
}

/* `n` objects of a service's number each, `backends` of each service. */
static json_t *many(const char *list, const char *member, int n, int backends)
{
	json_t *all = json_array();

	for (int i = 0; i < n * backends; i++) {
		char name[32];

		snprintf(name, sizeof(name), "service-%d", i / backends);
		json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i}}", member,
						     name, "encap", "gue", "address", "10.0.0.1",
						     "fingerprint", "1", "next_hop", "interface",
						     "eth0", "mtu_bytes", 1500));
	}
	return json_pack("{s:s, s:o}", "node", "n", list, all);
}

/* 10,000 services of 10 backends take seconds, not minutes. */
static void test_many(void **state)
{
	struct patient p = {
		.services = many("services", "name", 10000, 1),
		.backends = many("backends", "service", 10000, 10),
		.node = many("services", "service", 10000, 1),
		.peer = json_pack("{s:o}", "node", many("services", "service", 10000, 1)),
	};
	struct doctor d = {.patient = &p};
	clock_t began = clock();

	check_mtu(&d);
	check_nodes(&d);
	assert_in_range((clock() - began) / CLOCKS_PER_SEC, 0, 5);
	assert_int_equal(d.findings_n, 2);
	assert_non_null(strstr(d.findings[0].text, "need 1528"));
	assert_non_null(strstr(d.findings[0].text, "100000 backends"));
	doctor_free(&d);
	json_decref(p.services);
	json_decref(p.backends);
	json_decref(p.node);
	json_decref(p.peer);
}

static void test_link(void **state)
{
	struct link_facts facts;

	assert_int_equal(host_here.link_read("no-such-link", &facts), -ENODEV);
	assert_int_equal(host_here.link_read("lo", &facts), 0);
	assert_int_equal(facts.xdp_generic, -1);
	assert_int_equal(facts.mtu_bytes, 65536);
}

static void test_lists(void **state)
{
	static const struct {
		const char *name, *text;
		unsigned int index;
		bool listed;
	} lists[] = {
		{"one", "3", 3, true},
		{"not the one", "3", 2, false},
		{"first of a range", "1-3", 1, true},
		{"last of a range", "1-3", 3, true},
		{"behind a range", "1-3", 4, false},
		{"second range", "0,2-3,8", 8, true},
		{"between", "0,2-3,8", 1, false},
		{"empty", "", 0, false},
	};
	char root[] = "/tmp/sluice-doctor.XXXXXX";
	const struct host host = {.root = root};

	assert_non_null(mkdtemp(root));
	assert_false(host_listed(&host, "/list", 0));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct file file = {"/list", lists[i].text};

		file_write(root, &file);
		if (host_listed(&host, "/list", lists[i].index) != lists[i].listed)
			fail_msg("%s", lists[i].name);
	}
	nftw(root, forget, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_here),
		cmocka_unit_test(test_many),  cmocka_unit_test(test_link),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
