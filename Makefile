# SPDX-License-Identifier: Apache-2.0
# Thin: meson builds, scripts do the work. `make help` lists what there is.
BUILD ?= build
DATAPLANE ?= dpdk
MINUTES ?= 10
soak: MINUTES = 30
SETUP := tests/setup.sh

.PHONY: help run lint dist test build deps deb vm bench bench-xdp bench-consistency bench-health bench-callgrind bench-plot fuzz soak clean

help:
	@echo 'Sluice: a kernel-bypass L4 load balancer'
	@echo
	@echo '  make run               bring up a virtual network, balance real HTTP through it, show it'
	@echo '  make run KEEP=1        ... and leave it up to look around'
	@echo '  make run DATAPLANE=xdp ... on the XDP fast path (default: dpdk)'
	@echo '  make test              all tests: unit, parity, sanitizers, network'
	@echo '  make test ONLY=unit    one of: lint, unit, sanitize, fuzz, net, vm'
	@echo '  make test ONLY=vm VM=all  ... the scenes in virtual machines that are not in make test, too'
	@echo '  make lint              clang-format, clang-tidy, cppcheck, shellcheck, codespell and the own rules; no root'
	@echo '  make dist              the release as $(BUILD)/sluice-VERSION.tar.xz, the same bytes each time'
	@echo '  make vm                a shell in a virtual machine that is the balancer; KERNEL=6.12 NIC=e1000e QUEUES=4'
	@echo '  make build             only build, into $(BUILD)/'
	@echo '  make deb               Debian packages, built in a clean Debian, into $(BUILD)-deb/'
	@echo '  make test ONLY=package ... and installed, upgraded and removed in another; not in make test'
	@echo '  make deps              install the Debian packages that are missing, of everything'
	@echo '  make fuzz MINUTES=10   fuzz all that is read from others, so long each'
	@echo '  make soak MINUTES=30   a node under traffic is changed, killed, cut off and starved for so long; not in make test'
	@echo '                         (DATAPLANE=xdp|dpdk|both [both], SEED=N as printed: docs/testing.md)'
	@echo '  make bench             all benchmarks (docs/performance.md); QUICK=1: the main ones, 50 s'
	@echo '  make bench-xdp         nanoseconds a packet of the XDP fast path'
	@echo '  make bench-consistency flows that move while backends change, at size'
	@echo '  make bench-health      backends checked each second: how late, and at what cost'
	@echo '  make bench-callgrind   instructions a packet of the DPDK fast path'
	@echo '  make bench-plot        the curves of the last make bench, into docs/'
	@echo '  make clean             remove $(BUILD)*/'
	@echo
	@echo 'run and test need root; each installs by name what is missing (Debian 12).'

deps:
	@$(SETUP) deps test

deps-%:
	@$(SETUP) deps $*

build: deps-build
	@$(SETUP) build $(BUILD)

deb: deps-package
	@debian/clean-build.sh $(BUILD)-deb

run: deps-run build
	@BUILD=$(BUILD) DATAPLANE=$(DATAPLANE) KEEP=$(KEEP) tests/lab/run.sh

test: deps build
	@BUILD=$(BUILD) ONLY=$(ONLY) VM=$(VM) TEST=$(TEST) tests/run.sh

lint: deps-lint build
	@BUILD=$(BUILD) tests/lint/run.sh

dist:
	@tests/dist.sh $(BUILD)

vm: deps build
	@BUILD=$(BUILD) KERNEL=$(KERNEL) NIC=$(NIC) QUEUES=$(QUEUES) bash tests/vm/shell.sh

bench: deps build
	@BUILD=$(BUILD) QUICK=$(QUICK) tests/bench/run.sh

bench-xdp: deps build
	@$(BUILD)/tests/bench/bench_xdp

bench-consistency: deps build
	@$(BUILD)/tests/bench/consistency/bench_consistency full

bench-health: deps build
	@$(BUILD)/tests/bench/bench_health

bench-callgrind: deps build
	@BUILD=$(BUILD) tests/bench/callgrind.sh

bench-plot:
	@BUILD=$(BUILD) tests/bench/plot.sh

fuzz: deps
	@CC=clang $(SETUP) build $(BUILD)-fuzz -Dfuzz=true -Db_sanitize=address,undefined \
		-Db_lundef=false -Ddpdk=disabled -Dxdp=disabled
	@tests/fuzz/run.sh $(MINUTES) $(BUILD)-fuzz

soak: deps build
	@BUILD=$(BUILD) MINUTES=$(MINUTES) SEED=$(SEED) DATAPLANE=$(if $(filter command line environment,$(origin DATAPLANE)),$(DATAPLANE),both) tests/soak/run.sh

clean:
	rm -rf $(BUILD) $(BUILD)-*
