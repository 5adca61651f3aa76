# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the scenes have in common; sourced by them first, after they have set LAB. tests/run.sh runs each
# once for every word of its header lines "# guests:" (always) and "# more:" (with VM=all), with the word in
# GUEST: KERNEL, or KERNEL-NIC-QUEUES, as 6.1-virtio-4. By hand:
#   GUEST=6.12-e1000e-1 BUILD=$PWD/build tests/vm/xdp.sh
scene_home=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
export LAB_GUESTS=${LAB_GUESTS-lb}
# A guest without KVM is kept busy by less, and a machine with other work may leave it little.
LOAD_PARALLEL=2 LOAD_MAX_S=20
. "$scene_home/../net/tap.sh"
. "$scene_home/../lab/lab.sh"
. "$scene_home/../lab/sluice.sh"
. "$scene_home/../lab/load.sh"
BUILD=$(readlink -f "${BUILD:-$lab_tree/build}")

# scene_guest DEFAULT: what GUEST says, or DEFAULT; skips where no such guest can be.
scene_guest() {
	local refusal nic
	IFS=- read -r GUEST_KERNEL nic GUEST_QUEUES <<<"${GUEST:-$1}"
	nic=${nic:-virtio} GUEST_QUEUES=${GUEST_QUEUES:-1}
	case $nic in
	virtio) GUEST_NIC=virtio-net-pci ;;
	*) GUEST_NIC=$nic ;;
	esac
	refusal=$(guest_refusal)
	[ -z "$refusal" ] || skip_all "$refusal"
	scene="Linux $GUEST_KERNEL, $nic"
	[ "$nic" != virtio ] || scene="$scene with $GUEST_QUEUES queue$([ "$GUEST_QUEUES" = 1 ] || echo s)"
	note "$scene"
}

# scene_begin: the lab, and sluiced in lb; what follows builds on both.
scene_begin() {
	trap scene_leave EXIT
	lab_up && lab_start lb
	scene_must $? "the lab, its guests and sluiced start: $scene"
}

# scene_leave: removes the lab; what the guests' kernels said first, if a case failed.
scene_leave() {
	local node
	touch "$LAB_DIR/load.stop" 2>/dev/null
	for node in $LAB_GUESTS; do
		[ "$tap_failed" = 0 ] || tail -n 30 "$LAB_DIR/guest-$node/console" 2>/dev/null | tr -d '\r' | sed "s/^/# $node: /"
	done
	lab_down
}

# scene_must STATUS TEXT: a case without which there is no sense in going on.
scene_must() {
	report "$1" "$2"
	[ "$1" = 0 ] || { tap_done; exit 1; }
}

# all_answer [COUNT]: so many requests to each of the twelve services, every one answered.
all_answer() {
	local service count=${1:-10} answered
	for service in $(lab_services); do
		load_requests "$(lab_url "$service")" "$count" >"$LAB_DIR/answers"
		answered=$(awk '$3 == 0 && $4 == 200' "$LAB_DIR/answers" | wc -l)
		[ "$answered" = "$count" ] || { note "$service: $answered of $count requests were answered"; return 1; }
	done
}

# upload_whole SERVICE: 4 MiB, every packet of which passes the balancer.
upload_whole() {
	head -c 4M "$LAB_DIR/blob" >"$LAB_DIR/piece"
	[ "$(lab_exec client curl -s -g --max-time 120 -o /dev/null -w '%{http_code} %{size_upload}' \
		-T "$LAB_DIR/piece" "$(lab_url "$1" upload)")" = "200 4194304" ]
}
