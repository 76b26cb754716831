# fish completion for outrider. The program itself knows what may come next.
function __outrider_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    command $program __complete $words (commandline -ct) 2>/dev/null
end
complete -c outrider -f -a '(__outrider_complete)'
# apply -f takes a file.
complete -c outrider -s f -l file -r -F
