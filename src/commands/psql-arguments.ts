/** The command line of `edp db psql`, of which most belongs to psql. */

export interface PsqlCall {
  /** For edp: everything up to `psql`, and its own options. */
  readonly own: readonly string[];
  /** For psql, in their order. */
  readonly passed: readonly string[];
}

/** edp's own options behind `psql`, and whether they take a value. psql has none of these names. */
const OWN: Readonly<Record<string, boolean>> = {
  '--json': false,
  '--verbose': false,
  '--help': false,
  '-h': false,
  '--database-url': true,
  '--metrics': true,
  '--metrics-labels': true,
};

/** Options of edp whose value is no word. Behind `psql`, a `--log-file` is psql's. */
const WITH_VALUE: ReadonlySet<string> = new Set([...withValue(), '--log', '--log-file']);

function withValue(): string[] {
  return Object.keys(OWN).filter((name) => OWN[name]);
}

/** @returns undefined for another command */
export function splitPsqlCall(argv: readonly string[]): PsqlCall | undefined {
  const words = [...argv.keys()].filter(
    (i) => !argv[i]!.startsWith('-') && !WITH_VALUE.has(argv[i - 1] ?? ''),
  );
  const [command = -1, at = -1] = words;
  if (argv[command] !== 'db' || argv[at] !== 'psql') return undefined;
  const own = argv.slice(0, at + 1);
  const passed: string[] = [];
  for (let i = at + 1; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--') {
      passed.push(...argv.slice(i + 1));
      break;
    }
    const [name = '', value] = argument.split(/=(.*)/s);
    // psql's -h is its host: alone, it asks for help.
    const isHost = name === '-h' && i + 1 < argv.length;
    if (OWN[name] === undefined || isHost) passed.push(argument);
    else if (OWN[name] && value === undefined) own.push(argument, ...argv.slice(++i, i + 1));
    else own.push(argument);
  }
  return { own, passed };
}

/**
 * The statements of arguments that are nothing else, for a machine without psql.
 *
 * @returns undefined where there are other arguments
 */
export function readStatements(passed: readonly string[]): string[] | undefined {
  const statements: string[] = [];
  for (let i = 0; i < passed.length; i++) {
    const [, short, , long] = /^(?:-c(.*)|(--command)(?:=(.*))?)$/s.exec(passed[i]!) ?? [];
    if (short === undefined && !/^--command(=|$)/.test(passed[i]!)) return undefined;
    const given = short === undefined ? long : short || undefined;
    const sql = given ?? passed[++i];
    if (sql === undefined) return undefined;
    statements.push(sql);
  }
  return statements;
}
