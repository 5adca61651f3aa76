#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual: each page is clean (mandoc -Tlint), and tells all options of sluiced, all commands of
# sluicectl, all keys of the configuration. manual.sh BUILD SLUICED SLUICECTL. TAP.
set -u
shopt -s nocasematch # a help line becomes a sentence
source=$(dirname "$(readlink -f "$0")")/../..
build=$1 sluiced=$2 sluicectl=$3
. "$source/tests/net/tap.sh"

# text PAGE: as man shows it, each blank once.
text() {
	mandoc -Tascii "$1" | sed 's/.\x08//g' | tr -s ' \n' ' '
}

# tells PAGE WORDS...
tells() {
	local page=$1 said missing="" words
	said=$(text "$page")
	shift
	[ $# -gt 5 ] || missing=" (only $# to look for)"
	for words in "$@"; do
		[[ $said == *"$words"* ]] || missing+=" $words"
	done
	[ -z "$missing" ]
	report $? "$(basename "$page") tells all of $#"
	[ -z "$missing" ] || note "missing:$missing"
}

for page in "$source/docs/man/sluiced.8" "$build/docs/man/sluicectl.8" "$build/docs/man/sluice.conf.5"; do
	said=$(mandoc -Tlint -W warning "$page" 2>&1)
	report $? "$(basename "$page") is clean"
	[ -z "$said" ] || head -n 5 <<<"$said" | sed 's/^/# /'
	! grep -q '^@' "$page"
	report $? "... and nothing is left to be made"
done
mapfile -t words < <("$sluiced" --help | grep -oE '^ +--[a-z-]+' | tr -d ' ')
tells "$source/docs/man/sluiced.8" "${words[@]}"
mapfile -t words < <("$sluicectl" help --json | jq -r '.commands[].words, .commands[].help, .options[].word')
tells "$build/docs/man/sluicectl.8" "${words[@]:1}"
mapfile -t words < <(grep -oE '^\| `[a-z0-9_]+`' "$source/docs/config.md" | tr -d '|\` ')
tells "$build/docs/man/sluice.conf.5" "${words[@]}"
tap_done
