#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guests: 6.1
# more: 6.12
#
# The unit and parity tests whose subject is the kernel, run in a guest as they are on the host: the XDP
# programs pass the verifier of that kernel, and do there to every frame of the tables what they must.
# UNITS="xdp parity" runs these alone; PARITY_COUNT is how many mutated frames parity takes [300]. Without
# VM=all those run that take seconds: the verifier's bound, the tables of frames, what is remembered.
#
#     lb    a guest; its link goes to the lab's fabric, as always, and is not used
set -u
LAB=vmunits-$$ LAB_PATH=xdp LAB_BACKENDS=1 LAB_DECAP=no
GUEST_LIMIT_S=3000
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_guest 6.1
[ "${VM:-}" = all ] || UNITS=${UNITS:-kernel-features xdp xdp-drops xdp-verifier xdp-memory parity parity-flows}

# The tests: a name, then the command. "sanitized" ones and parity-reach ask no kernel.
units_list() {
	meson introspect --tests "$BUILD" | /usr/bin/python3 -c '
import json, re, shlex, sys
wanted = sys.argv[1].split()
for test in json.load(sys.stdin):
    name = test["name"]
    if name in wanted or not wanted and re.match("xdp|parity|hash-kernel|decap|nexthop-", name) and \
            not re.search("sanitized|reach", name):
        env = [f"{key}={value}" for key, value in test["env"].items()]
        print(name, shlex.join(["env", *env, *test["cmd"]]), sep="\t")' "${UNITS:-}"
}

trap scene_leave EXIT
lab_up
scene_must $? "the guest starts: $scene"
[[ $(lab_exec lb uname -r) == "$GUEST_KERNEL".* ]]
report $? "its kernel is $(lab_exec lb uname -r)"
units_list >"$LAB_DIR/units"
[ -s "$LAB_DIR/units" ]
scene_must $? "there are such tests: $(wc -l <"$LAB_DIR/units")"
while IFS=$'\t' read -r name command <&3; do
	start=$SECONDS
	lab_exec lb bash -c "cd '$BUILD' && PARITY_COUNT=${PARITY_COUNT:-300} timeout 800 $command" >"$LAB_DIR/said" 2>&1
	status=$?
	grep 'instructions examined' "$LAB_DIR/said" | sed 's/^/# /'
	ok=$(grep -c '^ok ' "$LAB_DIR/said") bad=$(grep '^not ok ' "$LAB_DIR/said" | grep -vcE '# *(SKIP|TODO)')
	[ "$status" = 0 ] && [ "$ok" -gt 0 ] && [ "$bad" = 0 ]
	case $? in
	0) report 0 "$name: $ok cases, $((SECONDS - start)) s" ;;
	*)
		report 1 "$name: exit status $status, $bad of $((ok + bad)) cases failed"
		grep -E '^not ok|^#' "$LAB_DIR/said" | head -n 40 | sed 's/^/#   /'
		;;
	esac
	# What it says it can't do here, for people.
	grep -iE '# *skip' "$LAB_DIR/said" | sed 's/^/#   /'
done 3<"$LAB_DIR/units"
tap_done
