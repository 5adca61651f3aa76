#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Called by the Makefile: installs by name what is missing (deps), configures and builds (build DIR).
# A second call finds everything in place and does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

# What the build needs; what the lab (make run) runs; what the tests and benchmarks need beside that; what makes
# the Debian packages; and the analyzers of make lint.
build_packages=(
	gcc libc6-dev linux-libc-dev make pkg-config meson ninja-build python3
	clang llvm bpftool libbpf-dev libdpdk-dev
	libconfig-dev libjansson-dev libevent-dev libmnl-dev libcmocka-dev libncurses-dev
	libcap-ng-dev libseccomp-dev libcurl4-openssl-dev libssl-dev
)
run_packages=(
	iproute2 iputils-ping ethtool procps util-linux systemd udev nginx-light curl wrk tcpdump socat
	netcat-openbsd openssl jq
)
test_packages=(
	libclang-rt-14-dev iperf3 python3-scapy lua5.3
	mandoc python3-jsonschema python3-pyte prometheus tshark chromium
	qemu-system-x86 busybox-static cpio kmod xz-utils e2fsprogs
)
package_packages=(dpkg-dev git lintian mmdebstrap xz-utils)
lint_packages=(git clang-format clang-tidy cppcheck shellcheck codespell)

# packages_of USE: build, run, lint, package, or test, which is all that make test needs.
packages_of() {
	case $1 in
	build) echo "${build_packages[@]}" ;;
	run) echo "${build_packages[@]}" "${run_packages[@]}" ;;
	package) echo "${package_packages[@]}" ;;
	lint) echo "${build_packages[@]}" "${lint_packages[@]}" ;;
	test) echo "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" "${lint_packages[@]}" ;;
	*) die "deps: build, run, lint, package or test, not '$1'" ;;
	esac
}

die() {
	printf 'setup: %s\n' "$*" >&2
	exit 1
}

# missing_packages USE
missing_packages() {
	local package
	for package in $(packages_of "$1"); do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			echo "$package"
	done
}

# nginx and others would be started as services of this host: the lab starts its own. Debian's
# hook for that is policy-rc.d; one that is there already is the host's own decision.
without_services() {
	local policy=/usr/sbin/policy-rc.d ours=0 status=0
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' > "$policy"
		chmod +x "$policy"
		ours=1
	fi
	"$@" || status=$?
	[ "$ours" = 0 ] || rm -f "$policy"
	return "$status"
}

# deps USE
deps() {
	local missing
	packages_of "$1" >/dev/null
	command -v dpkg-query >/dev/null || die "no dpkg here: install by hand what Debian 12 calls:
  $(packages_of "$1")"
	missing=$(missing_packages "$1")
	[ -n "$missing" ] || return 0
	# shellcheck disable=SC2086 # a list of words
	set -- $missing
	command -v apt-get >/dev/null || die "missing packages, and no apt-get to install them: $*"
	[ "$(id -u)" = 0 ] || die "missing packages, and not root to install them. As root:
  apt-get install --no-install-recommends $*"
	echo "setup: installing $*"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update >/dev/null || die "apt-get update failed"
	without_services apt-get -q install -y --no-install-recommends "$@" >/tmp/sluice-apt.$$.log 2>&1 || {
		tail -n 20 /tmp/sluice-apt.$$.log >&2
		die "apt-get install failed; its whole output: /tmp/sluice-apt.$$.log"
	}
	rm -f /tmp/sluice-apt.$$.log
}

# build DIR [MESON OPTION ...]. Without options a warning is an error. Sanitizers make gcc warn of more.
build() {
	local dir=$1
	shift
	[ $# != 0 ] || set -- -Dwerror=true
	# A configured folder that a failed setup left behind has no build.ninja.
	[ -f "$dir/build.ninja" ] || {
		rm -rf "$dir"
		PATH=/usr/bin:/usr/sbin:/bin:/sbin meson setup "$dir" "$@" >"/tmp/sluice-meson.$$.log" 2>&1 || {
			tail -n 30 "/tmp/sluice-meson.$$.log" >&2
			die "meson setup failed"
		}
		rm -f "/tmp/sluice-meson.$$.log"
	}
	PATH=/usr/bin:/usr/sbin:/bin:/sbin ninja -C "$dir" --quiet
}

case ${1-} in
deps) deps "${2-test}" ;;
build) shift; build "$@" ;;
*) die "usage: setup.sh deps [build|run|lint|package|test] | build DIR [MESON OPTION ...]" ;;
esac
