#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `make soak`: for MINUTES [30], a node in the lab under traffic is changed, reloaded, restarted and killed, its
# links are cut, its disk is full, its system calls fail, its backends' checks fail. DATAPLANE: dpdk, xdp or both
# [both], one after the other. SEED [the time]: the same seed makes the same choices, as far as what happens
# meanwhile lets it. docs/testing.md tells what is asserted.
set -u
here=$(dirname "$(readlink -f "$0")")
MINUTES=${MINUTES:-30} SEED=${SEED:-$(date +%s)}
export BUILD
BUILD=$(readlink -f "${BUILD:-build}")
PATH=/usr/bin:/usr/sbin:/bin:/sbin
case ${DATAPLANE:-both} in
dpdk | xdp) paths=$DATAPLANE ;;
both) paths="xdp dpdk" ;;
*) echo "soak: DATAPLANE=$DATAPLANE is none of dpdk, xdp and both" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "soak: not root: it makes network namespaces and loads BPF programs" >&2; exit 1; }
[[ $MINUTES =~ ^[0-9]+(\.[0-9]+)?$ ]] || { echo "soak: MINUTES=$MINUTES is no number" >&2; exit 2; }
[[ $SEED =~ ^[0-9]+$ ]] || { echo "soak: SEED=$SEED is no number" >&2; exit 2; }
failed=0
for path in $paths; do
	echo "soak of the $path path for $MINUTES minutes; again by: make soak DATAPLANE=$path MINUTES=$MINUTES SEED=$SEED"
	LAB_PATH=$path SOAK_KEPT=$BUILD/soak-$path-$SEED "$here/soak.sh" "$MINUTES" "$SEED" || failed=1
done
exit $failed
