/** What the doctor reports: what is wrong, why it matters, and what mends it. */

export const SEVERITIES = ['error', 'warning', 'note'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How a mend is carried out: `edp.yaml` is a line for that file, `advice` is for people alone. */
export const MEND_KINDS = ['sql', 'command', 'edp.yaml', 'advice'] as const;

export interface Mend {
  readonly kind: (typeof MEND_KINDS)[number];
  /** Exactly what is to be run or written. */
  readonly text: string;
  /** Who must do it, where not everybody may. */
  readonly by?: string;
}

/** What a check found. */
export interface Found {
  readonly severity: Severity;
  /** One sentence, without a full stop. */
  readonly problem: string;
  /** Steps, in their order; alternatives begin with "or". */
  readonly mend: readonly Mend[];
}

export interface Finding extends Found {
  readonly check: string;
  readonly why: string;
}

/** What could not be looked at. */
export interface NotExamined {
  readonly check: string;
  readonly reason: string;
}

/** What docs/doctor.md says of a check, beside its code. */
interface CheckText {
  readonly name: string;
  /** Those of its findings, the worst first. */
  readonly severities: readonly Severity[];
  /** What it looks at: a noun, without a full stop. */
  readonly looksAt: string;
  /** Why its findings matter: a sentence without a full stop. */
  readonly why: string;
  /** What mends them, in general. */
  readonly mends: string;
}

/** @typeParam C what it looks at */
export interface Check<C> extends CheckText {
  look(context: C): Promise<readonly Found[]> | readonly Found[];
}

/** Thrown by a check that may not, or cannot, look. */
export class CannotLook extends Error {
  override readonly name = 'CannotLook';
}

export const sql = (text: string, by?: string): Mend => ({
  kind: 'sql',
  text,
  ...(by === undefined ? {} : { by }),
});
export const command = (text: string, by?: string): Mend => ({
  kind: 'command',
  text,
  ...(by === undefined ? {} : { by }),
});
export const line = (text: string): Mend => ({ kind: 'edp.yaml', text });
export const advice = (text: string): Mend => ({ kind: 'advice', text });
