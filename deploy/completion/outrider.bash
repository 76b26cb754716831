# bash completion for outrider. The program itself knows what may come next.
_outrider() {
    local candidate
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        COMPREPLY+=("$candidate")
    done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
# Without candidates the shell's own completion offers files: for -f.
complete -o default -F _outrider outrider
