/** What shells run to complete a command line of edp: each asks `edp __complete`. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** How each is installed, for the head of the script and for help. */
export const INSTALLATION: Readonly<Record<Shell, string>> = {
  bash: 'eval "$(edp completion bash)"   # a line of ~/.bashrc',
  zsh: 'eval "$(edp completion zsh)"    # a line of ~/.zshrc, behind compinit',
  fish: 'edp completion fish > ~/.config/fish/completions/edp.fish',
};

const BASH = `_edp() {
  local word=\${COMP_WORDS[COMP_CWORD]} line=\${COMP_LINE:0:COMP_POINT} candidate kind=
  COMPREPLY=()
  while IFS= read -r candidate; do
    case $candidate in
      :files) kind=-f ;;
      :folders) kind=-d ;;
      *) COMPREPLY+=("$candidate") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete bash "$line" "$word" 2>/dev/null)
  if [[ -n $kind ]]; then
    [[ $word == = || $word == : ]] && word=
    compopt -o filenames 2>/dev/null
    while IFS= read -r candidate; do
      COMPREPLY+=("$candidate")
    done < <(compgen "$kind" -- "$word" 2>/dev/null)
  elif [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _edp edp
`;

const ZSH = `#compdef edp
_edp() {
  local line places=
  local -a candidates arguments
  arguments=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
  for line in "\${(@f)$("\${(Q)words[1]}" __complete zsh "\${arguments[@]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files) places=files ;;
      :folders) places=folders ;;
      *) candidates+=("$line") ;;
    esac
  done
  if [[ -n $places ]]; then
    if [[ $PREFIX == --*=* ]]; then compset -P 1 '*='; fi
    if [[ $places == files ]]; then _files; else _files -/; fi
  fi
  (( \${#candidates} )) && _describe -V 'edp' candidates
}
if [[ \${funcstack[1]} == _edp ]]; then _edp "$@"; else compdef _edp edp; fi
`;

const FISH = `function __edp_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l plain (string unescape -- $word)
    test (count $plain) -eq 1; or set plain $word
    for candidate in ($words[1] __complete fish $words[2..-1] "$plain" 2>/dev/null)
        switch $candidate
            case :files
                __fish_complete_path "$plain"
            case :folders
                __fish_complete_directories "$plain"
            case '*'
                printf '%s\\n' $candidate
        end
    end
end
complete -c edp -f -k -a '(__edp_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export function scriptOf(shell: Shell): string {
  const note = `# Completes command lines of edp. To install it:\n#   ${INSTALLATION[shell]}\n`;
  const script = SCRIPTS[shell];
  // zsh looks for its mark in the first line of a file.
  return script.startsWith('#compdef')
    ? script.replace('\n', () => `\n${note}`)
    : `${note}${script}`;
}
