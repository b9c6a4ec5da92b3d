/** SQL that is put together from pieces of a file, with the line of the file that each line came from. */
import type { JinjaPart } from './jinja-parts.js';
import { SqlPosition } from './sql-position.js';

export interface MappedSql {
  readonly text: string;
  /** Line of the text, from 0 → line of the file, from 1. */
  readonly lines: readonly number[];
}

interface Line {
  text: string;
  readonly from: number;
  /** Whether something stood here that was left out. */
  isTouched: boolean;
}

export class SqlLines {
  readonly #lines: Line[] = [];
  readonly #position = new SqlPosition();

  add(text: string, line: number): void {
    this.#position.add(text);
    for (const [i, each] of text.split('\n').entries()) {
      const last = this.#lines.at(-1);
      if (i === 0 && last !== undefined) last.text += each;
      else this.#lines.push({ text: each, from: line + i, isTouched: false });
    }
  }

  leaveOut({ line }: JinjaPart): void {
    const last = this.#lines.at(-1);
    if (last === undefined) this.#lines.push({ text: '', from: line, isTouched: true });
    else last.isTouched = true;
  }

  /** Whether what comes next stands in a comment. */
  get isInComment(): boolean {
    return this.#position.isInComment;
  }

  /** Without lines that have become empty, and blank ones at both ends. */
  finish(): MappedSql {
    const kept = this.#lines
      .map((line) => ({ ...line, text: line.text.trimEnd() }))
      .filter(({ text, isTouched }, i, all) => {
        const isDouble = text === '' && (all[i - 1]?.text ?? '') === '';
        return text !== '' || (!isTouched && !isDouble);
      });
    while (kept[0]?.text === '') kept.shift();
    while (kept.at(-1)?.text === '') kept.pop();
    return {
      text: kept.map(({ text }) => `${text}\n`).join(''),
      lines: kept.map(({ from }) => from),
    };
  }
}

/** The line of the file that a line of the text came from, both from 1. */
export function originalLine({ lines }: MappedSql, line: number): number {
  return lines[Math.min(line, lines.length) - 1] ?? 1;
}
