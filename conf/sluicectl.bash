# SPDX-License-Identifier: Apache-2.0
# bash completion for sluicectl: its words, and the names of services and backends that live now.
# Install as /usr/share/bash-completion/completions/sluicectl.

# The members "name" of a result. Silent where there is no daemon.
_sluicectl_names() {
	sluicectl "${socket[@]}" --json show "$@" 2>/dev/null |
		grep -o '"name":[[:space:]]*"[^"]*"' | sed 's/.*"\([^"]*\)"$/\1/'
}

# What may follow the words so far.
_sluicectl_next() {
	case "$*" in
	'') echo show service backend version help ;;
	show) echo services backends counters generation dataplane ;;
	service) echo add remove ;;
	backend) echo add remove set enable disable ;;
	'show backends' | 'show counters' | 'service remove') _sluicectl_names services ;;
	'backend add' | 'backend remove' | 'backend set' | 'backend enable' | 'backend disable')
		_sluicectl_names services ;;
	'service add '*\ encap) echo ipip gue gue0 ;;
	'service add '*\ slots) ;;
	'service add '*\ *) echo encap slots ;;
	'backend remove '*\ * | 'backend enable '*\ * | 'backend disable '*\ *) ;;
	'backend set '*\ *\ weight) ;;
	'backend set '*\ * | 'backend add '*\ *\ *) echo weight ;;
	'backend add '*) ;;
	'backend '*\ *) _sluicectl_names backends "$3" ;;
	'help '*) _sluicectl_next "${@:2}" ;;
	help) echo show service backend version ;;
	esac
}

_sluicectl() {
	local cur=${COMP_WORDS[COMP_CWORD]} i
	local -a words=() socket=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket) socket=(--socket "${COMP_WORDS[++i]}") ;;
		--*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --socket ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ $cur == --* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--json --all --socket --help --version' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_sluicectl_next "${words[@]}")" -- "$cur")
	fi
}

complete -F _sluicectl sluicectl
