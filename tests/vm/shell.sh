#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make vm`: a shell in a guest that is the lab's balancer, with sluiced running and the lab around it.
#
#   KERNEL=6.1|6.12   NIC=virtio-net-pci|e1000e|vmxnet3|...   QUEUES=1   SYSTEMD=1   the guest's
set -u
here=$(dirname "$(readlink -f "$0")")
export LAB=${LAB:-sluice-vm$$} LAB_PATH=xdp LAB_GUESTS=lb
GUEST_KERNEL=${KERNEL:-6.1} GUEST_NIC=${NIC:-virtio-net-pci} GUEST_QUEUES=${QUEUES:-1} GUEST_LIMIT_S=36000
BUILD=$(readlink -f "${BUILD:-$here/../../build}")
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

[ -t 0 ] || { echo "make vm: standard input is no terminal" >&2; exit 1; }
refusal=$(guest_refusal)
[ -z "$refusal" ] || { echo "make vm: $refusal" >&2; exit 1; }
trap lab_down EXIT
lab_up || exit 1
lab_start lb || echo "make vm: without sluiced, then: its log is $LAB_DIR/sluiced-lb.log, its configuration lb.conf"
cat <<-TEXT

	This is the balancer, $(lab_exec lb uname -sr). Its lab folder is $LAB_DIR, as on the host.
	  sluicectl show dataplane
	On the host, meanwhile:
	  LAB=$LAB tests/lab/lab.sh exec client curl $(lab_url v4-ipip)
	  less $LAB_DIR/guest-lb/console
	exit, or Ctrl-], ends the guest and the lab.
TEXT
read -r rows columns < <(stty size)
guest_begin lb bash -c "exec setsid -c bash -c '
	stty sane rows $rows cols $columns
	export TERM=${TERM:-vt100} PATH=$BUILD/ctl/cli:$BUILD/ctl/daemon:\$PATH
	PS1=\"lb# \" exec bash --norc -i
' <>/dev/ttyS0 >&0 2>&1" || exit 1
# The terminal is socat's until the shell or the guest has ended.
(
	until guest_job_ended "$guest_job" || guest_ended lb; do sleep 0.2; done
	guest_stop lb
) &
socat "STDIO,raw,echo=0,escape=0x1d" "UNIX-CONNECT:$LAB_DIR/guest-lb/console.sock"
