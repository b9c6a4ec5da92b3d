/** Numbers as a file may have them: plain, and at every edge. */
import fc from 'fast-check';
import { digits, join, padded, pick, type Text } from './text-parts.js';

/** The last whole numbers of each size, and the first beyond. */
const limits = (...bits: bigint[]): Text =>
  pick(
    ...bits.flatMap((n) =>
      [-1n, 1n].flatMap((side) => [-1n, 0n, 1n].map((off) => String(side * 2n ** n + off))),
    ),
  );
const POWERS = [1, 2, 14, 15, 16, 17, 18, 19].flatMap((n) => ['9'.repeat(n), `1${'0'.repeat(n)}`]);
export const oddIntegers = (bits: bigint): Text =>
  fc.oneof(
    limits(bits),
    pick(...POWERS, ...POWERS.map((text) => `-${text}`)),
    fc.oneof(limits(8n, 15n, 16n, 31n, 32n, 53n, 63n, 64n), join(pick('-', ''), digits(14, 17))),
    join(pick('', '', '-', '+'), pick('', '', '0', '000', '0000000000000'), digits(1, 20)),
    join(pick('-', '', '+'), digits(1, 4), pick('.0', '.000', '.', '.5', 'e1', 'e-1', ' ', 'x')),
    pick('', '-', '+', '--1', '+-1', '-0', '0', '00', ' 1', '1 ', '1 2', '0x1', '1_0', '1,5', '٣'),
  );

/** Digits with a point among them. */
const pointed = (texts: Text): Text =>
  fc.tuple(texts, fc.nat(20)).map(([text, at]) => `${text.slice(0, at)}.${text.slice(at)}`);
/** Midway between two floats of 24 bits, and next to it. */
const halfway = fc
  .tuple(fc.integer({ min: 2 ** 23, max: 2 ** 24 - 1 }), fc.integer({ min: -9, max: 24 }))
  .chain(([mantissa, exponent]) => {
    if (exponent < 0) return pick(String((mantissa + 0.5) * 2 ** exponent));
    const middle = BigInt(mantissa * 2 + 1) * 2n ** BigInt(exponent);
    return pick(...[0n, 1n, -1n].map((off) => String(middle + off)), `${middle}.00001`);
  });
export const oddDecimals = fc.oneof(
  oddIntegers(53n),
  join(pick('', '-', '+'), digits(0, 9), pick('.', ''), digits(0, 9)),
  pointed(digits(13, 18)),
  // Above 2^53, but of 16 digits.
  pointed(join(pick('9'), digits(15, 15))),
  join(pick('', '-'), halfway),
  join(digits(1, 5), pick('e', 'E', '.5e'), pick('', '-', '+'), digits(1, 3)),
  pick('inf', '-Infinity', 'NaN', 'nan', '.5', '5.', '-.5', '.', '-.', '0.0', '-0.0', '1e', 'e5'),
  pick('1e308', '1.8e308', '1e-323', '1e-400', '3.4028235e38', '3.5e38', '1e-45', '1e-46'),
);

/** Zeros and groups of four on either side of the point, and more digits than the lane takes. */
export const oddNumerics = fc.oneof(
  oddDecimals,
  join(
    pick('', '-', '+'),
    pick('', '0', '0000', '00000000'),
    digits(0, 9),
    pick('', '.'),
    digits(0, 12),
  ),
  join(
    pick('', '-'),
    pick('0.', '.', '00.'),
    pick('0000', '00000000', '000'),
    digits(0, 6),
    pick('', '0000'),
  ),
  join(digits(1, 4), pick('0000', '00000000', '000'), pick('', '.', '.0', '.0000', '.00001')),
  fc
    .integer({ min: 990, max: 1010 })
    .chain((n) => pick('7'.repeat(n), `${'7'.repeat(n - 5)}.${'0'.repeat(5)}`)),
  join(digits(0, 3), pick('.', ''), digits(0, 3), pick('e', 'E'), pick('', '-', '+'), digits(0, 6)),
);

export const plainInteger = (...values: readonly string[]): Text =>
  fc
    .tuple(pick(...values), pick('', '', '', '.0', '.00'), pick('', '', '', '+'))
    .map(([text, end, sign]) => (text.startsWith('-') ? '' : sign) + text + end);
export const integersTo = (limit: number): Text =>
  fc.integer({ min: -limit - 1, max: limit }).chain((value) => plainInteger(String(value)));

export const plainNumber = fc.oneof(
  join(pick('-', '', '+'), padded(0, 9999, 1), pick('', '.', '.5', '.25', '.0625', '.000')),
  join(pick('-', ''), pick('0.', '.', '12345.', '0.000'), digits(1, 9)),
);
export const plainDoubles = fc.oneof(
  plainNumber,
  // As few digits as tell it from its neighbours; above 1e18 there are zeros among them.
  fc
    .double({ min: -1e18, max: 1e18, noNaN: true })
    .filter((value) => Math.abs(value) > 1e-50)
    .map(String),
  join(digits(1, 19), pick('e5', 'E-12', 'e+40', 'e-07')),
);
