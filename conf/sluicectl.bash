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
	show) echo services backends counters flows transitions memory generation dataplane ;;
	service) echo add remove ;;
	backend) echo add remove set enable disable drain undrain ;;
	'show backends' | 'show counters' | 'service remove') _sluicectl_names services ;;
	'backend add' | 'backend remove' | 'backend set' | 'backend enable' | 'backend disable' | \
		'backend drain' | 'backend undrain')
		_sluicectl_names services ;;
	'service add '*\ encap) echo ipip gue gue0 ;;
	'service add '*\ scheduler) echo maglev rr wrr random least-conn ;;
	'service add '*\ hash) echo flow source ;;
	'service add '*\ slots | 'service add '*\ transition | 'service add '*\ slow-start) ;;
	'service add '*\ *) echo encap slots scheduler hash transition slow-start ;;
	'backend remove '*\ * | 'backend enable '*\ * | 'backend disable '*\ *) ;;
	'backend drain '*\ * | 'backend undrain '*\ *) ;;
	'backend set '*\ *\ weight) ;;
	'backend set '*\ * | 'backend add '*\ *\ *) echo weight ;;
	'backend add '*) ;;
	'backend '*\ *) _sluicectl_names backends "$3" ;;
	'help '*) _sluicectl_next "${@:2}" ;;
	help) echo show service backend version ;;
	esac
}

# The options of the command that the words so far name, beside those of all.
_sluicectl_options() {
	echo --json --all --socket --help --version
	case "$*" in
	'show flows'*) echo --service --backend --limit ;;
	'backend drain'*) echo --timeout --wait --dry-run ;;
	'backend '*\ * | 'service remove'*) echo --dry-run ;;
	esac
}

# What may follow `$1`, an option with a value, instead of a word.
_sluicectl_value() {
	case "$1" in
	--socket) compgen -f -- "$2" ;;
	--service) compgen -W "$(_sluicectl_names services)" -- "$2" ;;
	--backend) compgen -W "$(_sluicectl_names backends)" -- "$2" ;;
	esac
}

_sluicectl() {
	local cur=${COMP_WORDS[COMP_CWORD]} i
	local -a words=() socket=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket) socket=(--socket "${COMP_WORDS[++i]}") ;;
		--service | --backend | --timeout | --limit) ((i++)) ;;
		--*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--socket | --service | --backend | --timeout | --limit)
		mapfile -t COMPREPLY < <(_sluicectl_value "${COMP_WORDS[COMP_CWORD - 1]}" "$cur")
		return
		;;
	esac
	if [[ $cur == --* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sluicectl_options "${words[@]}")" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_sluicectl_next "${words[@]}")" -- "$cur")
	fi
}

complete -F _sluicectl sluicectl
