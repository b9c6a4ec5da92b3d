/** JSON whose long integers stay texts: JavaScript would round them. */
import { parse } from 'lossless-json';

export function readExact(line: string): Readonly<Record<string, unknown>> {
  return parse(line, undefined, {
    parseNumber: (digits) => {
      const number = Number(digits);
      return Number.isInteger(number) && !Number.isSafeInteger(number) ? digits : number;
    },
    onDuplicateKey: ({ newValue }) => newValue,
  }) as Record<string, unknown>;
}
