/** Makes a failing case smaller, as long as it still fails, and writes it down for a person. */
import { type Case, type Options, renamed } from './case.js';
import { partsOf, textOf } from './records.js';
import { modelOf, type Piece, statementsOf } from './setup.js';
import { commandOf, MODEL_HEAD, type Place, runCases } from './trial.js';

const MAX_TRIES = 80;

export interface Failure {
  readonly seed: number;
  readonly options: Options;
  /** As small as it got; undefined where it fails only among the others of its command. */
  readonly smallest: Case | undefined;
  readonly differences: readonly string[];
}

export async function shrink(
  seed: number,
  failing: Case,
  options: Options,
  differences: readonly string[],
  place: Place,
): Promise<Failure> {
  let tries = 0;
  let smallest: Case | undefined;
  let found = differences;
  const fails = async (candidate: Case): Promise<boolean> => {
    if (tries >= MAX_TRIES) return false;
    const own = renamed(candidate, `t${seed}s${tries++}x${failing.setup.table}`);
    const [now] = await runCases([own], options, place);
    if (now!.differences.length === 0) return false;
    smallest = own;
    found = now!.differences;
    return true;
  };
  if (await fails(failing)) {
    for (let size = smallest!.file.records.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at < smallest!.file.records.length; ) {
        if (!(await fails(withoutRecords(smallest!, at, size)))) at += size;
      }
    }
    for (let at = 0; at < smallest!.setup.pieces.length; ) {
      const pieces = smallest!.setup.pieces.filter((_, i) => i !== at);
      if (isNeeded(smallest!.setup.pieces[at]!) || !(await fails(withPieces(smallest!, pieces))))
        at++;
    }
    const { setup } = smallest!;
    if (setup.rows.length > 0) await fails({ ...smallest!, setup: { ...setup, rows: [] } });
    for (let at = 0; at < smallest!.setup.rows.length; ) {
      const rows = smallest!.setup.rows.filter((_, i) => i !== at);
      if (!(await fails({ ...smallest!, setup: { ...smallest!.setup, rows } }))) at++;
    }
  }
  return { seed, options, smallest, differences: found };
}

const isNeeded = (piece: Piece) => piece.isNeeded === true;

function withPieces({ setup, file }: Case, pieces: readonly Piece[]): Case {
  return { setup: { ...setup, pieces }, file };
}

function withoutRecords({ setup, file }: Case, at: number, count: number): Case {
  const records = file.records.filter((_, i) => i < at || i >= at + count);
  return { setup, file: { ...file, records } };
}

export function describeFailure({ seed, options, smallest, differences }: Failure): string {
  const lines = [`BAD seed ${seed}`, ...differences.map((difference) => `  ${difference}`)];
  if (smallest === undefined) {
    lines.push(`  only among the other cases of its command: --agreement 1 --seed ${seed}`);
  } else {
    const files = partsOf(smallest.setup.table, smallest.file);
    const isDivided = smallest.setup.division !== undefined;
    lines.push(
      `-- setup.sql, in a database in ${options.encoding}${options.isPlainRole ? ', by a role that is no superuser' : ''}${isDivided ? ', behind a load of a file without records' : ''}`,
      ...statementsOf(smallest.setup, isDivided).map((statement) => `${statement};`),
      '# edp.yaml',
      MODEL_HEAD + modelOf(smallest.setup),
      ...[...files].flatMap(([name, file]) => [`# ${name}`, textOf(file)]),
      `edp ${commandOf([...files.keys()], options).join(' ')}${options.isBulk ? '   # EDP_FAILPOINTS=bulk.min_bytes:=1' : ''}${options.triesFirst ? '   # and --dry-run before' : ''}`,
    );
  }
  return lines.join('\n');
}
