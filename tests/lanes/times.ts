/** Dates and times as a file may have them: plain, and wrong in one part or another. */
import fc from 'fast-check';
import { digits, join, padded, pick, type Text } from './text-parts.js';

/** Parts of a date and time as the lane takes them, and as it may not. */
const YEARS = ['0000', '0001', '0099', '1582', '1600', '1700', '1714', '1715', '1716', '1899'];
const LATER_YEARS = ['1900', '1970', '2000', '2100', '2283', '2284', '2285', '2400', '9999'];
const separator = (usual: string, ...others: string[]) =>
  [pick(usual), pick('', ...others)] as const;
const PARTS: readonly (readonly [plain: Text, odd: Text])[] = [
  [padded(1990, 2030, 4), fc.oneof(pick(...YEARS, ...LATER_YEARS), padded(0, 9999, 4))],
  separator('-', '/', '--', '0'),
  [padded(1, 12, 2), pick('00', '02', '13', '17', '1', '99', ' 1')],
  separator('-', '/', '.', '0'),
  [padded(1, 28, 2), pick('00', '29', '30', '31', '32', '1', '99')],
  [pick(' ', 'T'), pick('t', '  ', '_', '', '\t')],
  [padded(0, 23, 2), pick('24', '25', '7', '99', '')],
  separator(':', '.', '::', '0'),
  [padded(0, 59, 2), pick('60', '61', '7', '99')],
  separator(':', '.', '-', '0'),
  [padded(0, 59, 2), pick('60', '61', '7', '99', ' 1')],
  [
    pick('', '', '.5', '.123', '.123456'),
    fc.oneof(
      pick('.', '.0', '.999999', '.9999999', '.0000005', '.0000015', '.000000', ',5', '.5.5'),
      join(pick('.'), digits(1, 12)),
    ),
  ],
  [
    pick('', '', '', 'Z', '+02:00', '-11:30'),
    fc.oneof(
      pick('z', ' Z', '+00', '-00:00', '+02', ' +02:00', '-0230', '+2', '+02:', 'UTC', ' ', 'ZZ'),
      pick('-15:59', '+15:59', '+16:00', '-16:00', '+15:60', '-1559', '+99:99', '+02:00:00'),
      join(pick('+', '-'), padded(0, 16, 2), pick(':', ''), pick('00', '30', '59', '60', '')),
    ),
  ],
];
const DATE_PARTS = 5;
/** Most of them right but for one part. */
const oddTimes = (parts: typeof PARTS): Text =>
  fc
    .tuple(
      fc.tuple(...parts.map(([plain]) => plain)),
      fc.tuple(...parts.map(([, odd]) => odd)),
      fc.nat(parts.length - 1),
      fc.nat(4 * parts.length),
    )
    .map(([plain, odd, one, another]) =>
      plain.map((text, i) => (i === one || i === another ? odd[i]! : text)).join(''),
    );
const specialTimes = pick(
  ...['infinity', '-infinity', '+Infinity', 'now', '', 'Infinity ', '20200101', '2020-01'],
  ...['2020-01-01', '2020-01-01T', '2020-01-01 00', '2020-01-01 00:00', '20200101T000000'],
  ...['2024-02-29 00:00:00', '2023-02-29 00:00:00', '1900-02-29 00:00:00', '2000-02-29 00:00:00'],
  ...['2020-01-01 24:00:00', '2020-01-01 24:00:00.000001', '2020-12-31 23:59:60'],
  ...['1715-03-31 00:00:00', '1715-04-01 00:00:00', '2284-09-29 00:00:00', '2284-09-30 00:00:00'],
  ...['1715-04-01 00:00:00+15:59', '2284-09-29 23:59:59.999999-15:59', '9999-12-31 23:59:59.999'],
  ...['0001-01-01 00:00:00+00:01', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999-15:59'],
);
export const oddDates = fc.oneof(
  { arbitrary: oddTimes(PARTS.slice(0, DATE_PARTS)), weight: 6 },
  pick('2024-02-29', '2023-02-29', '1900-02-29', '2000-02-29', '0001-01-01', '9999-12-31'),
  specialTimes,
);
export const oddTimestamps = fc.oneof({ arbitrary: oddTimes(PARTS), weight: 6 }, specialTimes);

const plainTimes = (parts: typeof PARTS): Text => join(...parts.map(([plain]) => plain));
export const plainTimestamps = fc.oneof(
  { arbitrary: plainTimes(PARTS), weight: 6 },
  plainTimes(PARTS.slice(0, DATE_PARTS)),
  join(plainTimes(PARTS.slice(0, PARTS.length - 4)), pick('', 'Z', '+02', ' -0330')),
);

export const plainDates = plainTimes(PARTS.slice(0, DATE_PARTS));
