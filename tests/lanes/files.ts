/** Files for the two lanes: records that are plain, odd or broken, and files that are damaged or noise. */
import fc from 'fast-check';
import { CR, LF } from '../../src/formats/text/line-end.js';
import { recordsOf } from './records.js';
import type { Shape } from './shapes.js';

export class SomeFile<S = Shape> {
  readonly shape: S;
  readonly bytes: Buffer;

  constructor(shape: S, bytes: Buffer) {
    this.shape = shape;
    this.bytes = bytes;
  }

  /** The form in which counterexamples are printed. */
  [fc.toStringMethod](): string {
    return `${JSON.stringify(this.bytes.toString('latin1'))} in ${JSON.stringify(this.shape)}`;
  }
}

export interface Mixture {
  readonly plain: number;
  readonly odd: number;
  readonly broken: number;
  readonly maxRecords: number;
}

export function filesOf(someShapes: fc.Arbitrary<Shape>, mixture: Mixture): fc.Arbitrary<SomeFile> {
  return someShapes.chain((shape) => {
    const kinds = recordsOf(shape);
    const record = fc.oneof(
      { arbitrary: kinds.plain, weight: mixture.plain },
      { arbitrary: kinds.odd, weight: mixture.odd },
      { arbitrary: kinds.broken, weight: mixture.broken },
    );
    return fc
      .tuple(
        fc.array(record, { minLength: 1, maxLength: mixture.maxRecords, size: 'max' }),
        fc.nat(3),
      )
      .map(([records, end]) => {
        const text = records.join(shape.lineEnd) + (end === 0 ? '' : shape.lineEnd);
        return new SomeFile(shape, Buffer.from(text, 'latin1'));
      });
  });
}

type Mutation = readonly [how: number, at: number, length: number, byte: number];

const MEANT: readonly number[] = [0x22, 0x22, 0x2c, 0x09, LF, CR, 0x30, 0x2d, 0x7b, 0x7d, 0, 0x20];

/** @param meant bytes that have a meaning in the format */
function mutations(meant: readonly number[]): fc.Arbitrary<readonly Mutation[]> {
  return fc.array(
    fc.tuple(
      fc.nat(3),
      fc.nat(),
      fc.integer({ min: 1, max: 12 }),
      fc.oneof(fc.constantFrom(...meant), fc.integer({ min: 0, max: 255 })),
    ),
    { minLength: 1, maxLength: 4 },
  );
}

/** The bytes of a file in which some were lost, changed, repeated or inserted. */
export function damagedBytes(bytes: Buffer, meant: readonly number[]): fc.Arbitrary<Buffer> {
  return mutations(meant).map((list) => list.reduce(mutate, bytes));
}

function mutate(bytes: Buffer, [how, place, length, byte]: Mutation): Buffer {
  const at = place % (bytes.length + 1);
  const head = bytes.subarray(0, at);
  switch (how) {
    case 0:
      return Buffer.concat([head, Buffer.of(byte), bytes.subarray(at)]);
    case 1:
      return Buffer.concat([head, bytes.subarray(at + (length > 8 ? length : 1))]);
    case 2:
      return Buffer.concat([head, Buffer.of(byte), bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([head, bytes.subarray(at, at + length), bytes.subarray(at)]);
  }
}

/** Files in which some bytes were lost, changed, repeated or inserted. */
export function damaged(files: fc.Arbitrary<SomeFile>): fc.Arbitrary<SomeFile> {
  return files.chain(({ shape, bytes }) =>
    damagedBytes(bytes, MEANT).map((changed) => new SomeFile(shape, changed)),
  );
}

/** Random bytes, many of them with a meaning in CSV. */
export function noise(someShapes: fc.Arbitrary<Shape>): fc.Arbitrary<SomeFile> {
  const byte = fc.oneof(
    { arbitrary: fc.constantFrom(...MEANT, ...Buffer.from('0123456789tf:')), weight: 6 },
    fc.integer({ min: 0, max: 255 }),
  );
  return fc
    .tuple(someShapes, fc.array(byte, { maxLength: 120, size: 'max' }))
    .map(([shape, bytes]) => new SomeFile(shape, Buffer.from(bytes)));
}
