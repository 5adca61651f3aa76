# SPDX-License-Identifier: Apache-2.0
# bash completion for sluicectl, installed as share/bash-completion/completions/sluicectl. What may
# follow, sluicectl says itself: from its table of commands, and the names that the daemon has now.
# shellcheck shell=bash

_sluicectl() {
	local rest=${COMP_LINE:0:COMP_POINT} bare word current breaks=${COMP_WORDBREAKS//[^=:]/} i
	local -a words=() reply=()

	# "=" and ":" end a word for bash: put together again what was written as one.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		bare=${rest#"${rest%%[![:space:]]*}"}
		word=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || word=$bare
		if [[ $bare == "$rest" && ${#words[@]} -gt 0 ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		rest=${bare#"$word"}
	done
	current=${words[-1]}
	mapfile -t reply < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
	if [[ ${reply[0]-} == :files ]]; then
		[[ $current != --*=* ]] || current=${current#*=}
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
	fi
	# Bash puts the reply in the place of what follows the last break only.
	if [[ -n $breaks && $current == *[$breaks]* ]]; then
		word=${current%"${current##*[$breaks]}"}
		reply=("${reply[@]#"$word"}")
	fi
	# A key's value follows it at once.
	[[ ${reply[0]-} != *= ]] || compopt -o nospace 2>/dev/null
	COMPREPLY=("${reply[@]}")
}

complete -F _sluicectl sluicectl
