/** The kinds of faults, and where each may happen. */
import { FAILPOINTS, type Failpoint } from '../../src/base/failpoints.js';
import type { Random } from './random.js';
import type { Scenario } from './scenario.js';

export type Fault =
  | {
      readonly kind: 'failpoint';
      readonly point: Failpoint;
      readonly action: string;
      /** The fault happens when a thread reaches the failpoint for this time. */
      readonly hit: number;
      /** Other faults, needed for the command to reach the failpoint. */
      readonly companion: string | undefined;
    }
  /** `at` is a share of the time that the command takes. */
  | { readonly kind: 'kill client' | 'interrupt' | 'interrupt twice'; readonly at: number }
  | {
      readonly kind: 'kill server' | 'stop server at once' | 'restart server';
      readonly at: number;
      /** Whether it is running again before the command ends. */
      readonly isBackSoon: boolean;
    }
  | { readonly kind: 'terminate backend' | 'cancel statement'; readonly at: number }
  /** `at` is a share of the bytes, or of the commits. */
  | { readonly kind: 'cut connection'; readonly direction: 'up' | 'down'; readonly at: number }
  | { readonly kind: 'lose commit'; readonly at: number }
  | { readonly kind: 'deadlock' }
  | { readonly kind: 'too many connections'; readonly limit: number }
  /** `at` is a share of the disk space that the command needs. */
  | { readonly kind: 'server disk full'; readonly at: number }
  | { readonly kind: 'client disk full' }
  | { readonly kind: 'change file'; readonly how: FileChange; readonly at: number };

export type FileChange = 'rewrite' | 'shorten' | 'remove' | 'append' | 'touch';
export type FaultKind = Fault['kind'];

const FILE_CHANGES: readonly FileChange[] = ['rewrite', 'shorten', 'remove', 'append', 'touch'];

/**
 * Failpoints at which the answer to a commit, or to a similar statement, arrives and may be lost.
 */
const ANSWERS: ReadonlySet<Failpoint> = new Set([
  'split.acknowledged',
  'bulk.acknowledged',
  'held.acknowledged',
  'promote.step_acknowledged',
]);

/** Failpoints without a session that could be lost. */
const WITHOUT_SESSION: ReadonlySet<Failpoint> = new Set([
  'lane.encoded',
  'lane.full',
  'run.planned',
  'dispatch.answer',
  'dispatch.committed',
  'dispatch.retry',
  'bulk.committed',
  'undo.checked',
  'undo.marked',
  'undo.rows_removed',
  'undo.members_removed',
  'undo.rejects_removed',
  'undo.receipts_removed',
  'undo.closed',
  'promote.file_written',
  ...FAILPOINTS.filter((name) => name.startsWith('embedded.')),
]);

/** Failpoints within a COPY, where no statement can be sent. */
const WITHIN_COPY: ReadonlySet<Failpoint> = new Set(['copy.begin', 'copy.middle', 'copy.end']);

const SQLSTATES = ['40001', '40P01', '53100', '57014', '55P03', '53200', 'XX000'];

export function actionsAt(point: Failpoint): string[] {
  const actions = ['kill', 'kill', 'error', 'error/ENOSPC', 'interrupt', 'interrupt2'];
  // The code at these failpoints cannot throw.
  if (point.startsWith('dispatch.')) return actions.filter((action) => !action.startsWith('error'));
  if (WITHOUT_SESSION.has(point)) return actions;
  actions.push('disconnect', 'disconnect', 'terminate', 'terminate');
  if (ANSWERS.has(point)) actions.push('lose', 'lose', 'lose');
  if (!WITHIN_COPY.has(point)) actions.push(...SQLSTATES.map((state) => `sql/${state}`));
  return actions;
}

/** The random kinds that fit a scenario, apart from failpoints. */
export function randomKinds({ name, commands, input }: Scenario): readonly FaultKind[] {
  if (input !== undefined)
    return ['client disk full', 'kill client', 'interrupt', 'interrupt twice'];
  const kinds: FaultKind[] = [
    'kill client',
    'interrupt',
    'interrupt twice',
    'terminate backend',
    'cut connection',
    'lose commit',
    'cancel statement',
    'too many connections',
  ];
  if (name === 'rejects') kinds.push('deadlock');
  if (commands[0]![0] === 'ingest') kinds.push('server disk full');
  if (['plain', 'rejects', 'bulk'].includes(name)) kinds.push('change file');
  return kinds;
}

export function makeFault(kind: FaultKind, scenario: Scenario, random: Random): Fault {
  switch (kind) {
    case 'failpoint': {
      const entry = random.pick(scenario.failpoints);
      const [point, companion] = typeof entry === 'string' ? [entry, undefined] : entry;
      return makeFailpointFault(point, companion, random);
    }
    case 'kill server':
    case 'stop server at once':
    case 'restart server':
      return { kind, at: random.next(), isBackSoon: random.next() < 0.5 };
    case 'kill client':
    case 'interrupt':
    case 'interrupt twice':
    case 'terminate backend':
    case 'cancel statement':
      return { kind, at: random.next() };
    case 'cut connection':
      return { kind, direction: random.pick(['up', 'down']), at: random.next() };
    case 'lose commit':
      return { kind, at: random.next() };
    case 'too many connections':
      return { kind, limit: 2 + random.below(3) };
    case 'server disk full':
      return { kind, at: random.next() };
    case 'deadlock':
    case 'client disk full':
      return { kind };
    case 'change file':
      return { kind, how: random.pick(FILE_CHANGES), at: random.next() };
  }
}

export function makeFailpointFault(
  point: Failpoint,
  companion: string | undefined,
  random: Random,
): Fault {
  const action = random.pick(actionsAt(point));
  return { kind: 'failpoint', point, action, hit: random.pick([1, 1, 1, 2, 3]), companion };
}

/** Whether a fault ends the process, or sends signals to it. */
export function needsProcess(fault: Fault): boolean {
  switch (fault.kind) {
    case 'failpoint':
      return /^(kill|interrupt)/.test(fault.action);
    case 'kill client':
    case 'interrupt':
    case 'interrupt twice':
    case 'client disk full':
      return true;
    default:
      return false;
  }
}

export function describeFault(fault: Fault): string {
  const { kind, ...rest } = fault;
  if (fault.kind === 'failpoint') {
    const { point, action, hit, companion } = fault;
    return `${companion === undefined ? '' : `${companion},`}${point}=${action}@${hit}`;
  }
  return `${kind} ${JSON.stringify(rest)}`;
}
