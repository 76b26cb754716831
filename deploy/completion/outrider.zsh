#compdef outrider
# zsh completion for outrider. The program itself knows what may come next.
_outrider() {
    local line
    local -a candidates
    while IFS= read -r line; do
        # _describe separates word and description by a colon; uuids have none, MACs are not offered.
        candidates+=("${line//$'\t'/:}")
    done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then
        _describe outrider candidates
    else
        _files
    fi
}
# Sourced, it registers itself; from a directory of $fpath, compinit has done so.
if [[ "${funcstack[1]}" == "_outrider" ]]; then
    _outrider "$@"
else
    compdef _outrider outrider
fi
