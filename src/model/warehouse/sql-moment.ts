/** SQL that gives other values later though nothing that it reads changed. */
import { asNode, listOf, type Node, nodesIn, textOf } from './sql-node.js';

const CLOCK = [
  'now',
  'transaction_timestamp',
  'statement_timestamp',
  'clock_timestamp',
  'timeofday',
];
const CHANCE = [
  'random',
  'random_normal',
  'gen_random_uuid',
  'uuidv4',
  'uuidv7',
  'uuid_generate_v1',
  'uuid_generate_v1mc',
  'uuid_generate_v4',
];
const COUNTERS = ['nextval', 'txid_current', 'pg_current_xact_id'];
const FUNCTIONS: ReadonlySet<string | undefined> = new Set([...CLOCK, ...CHANCE, ...COUNTERS]);

/** CURRENT_DATE, LOCALTIME and the like; CURRENT_USER is one of them, too, and no clock. */
const CLOCK_WORD = /^SVFOP_(CURRENT_(DATE|TIME)|LOCALTIME)/;
/** A cast makes the moment of the run of these texts. */
const CLOCK_TEXT = /^\s*(now|today|tomorrow|yesterday)\b/i;

/** Whether it asks the clock, chance or a counter. */
export function asksMoment(parsed: Node): boolean {
  return [...nodesIn(parsed)].some(([kind, node]) => {
    if (kind === 'SQLValueFunction') return CLOCK_WORD.test(String(node.op));
    if (kind === 'FuncCall') return isOfMoment(node);
    return kind === 'TypeCast' && CLOCK_TEXT.test(literalOf(node.arg));
  });
}

function isOfMoment({ funcname, args }: Node): boolean {
  const name = textOf(listOf(funcname).at(-1));
  // With one argument, the age today.
  return FUNCTIONS.has(name) || (name === 'age' && listOf(args).length === 1);
}

function literalOf(value: unknown): string {
  const text = asNode(asNode(asNode(value)?.A_Const)?.sval)?.sval;
  return typeof text === 'string' ? text : '';
}
