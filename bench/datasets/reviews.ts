/**
 * Text-heavy records: 20 columns, most of the bytes in quoted UTF-8 text with line breaks, quotes and
 * delimiters in it; integers, floats, booleans, dates with and without zone, empty fields. Seeded: the same
 * seed gives the same bytes.
 */
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { Random } from '../../src/generate/random.js';
import type { Dataset } from './dataset.js';
import { hashFile } from './events.js';

export const REVIEWS_TABLE = 'reviews';

/** As for the bare events: no lineage, so that every contender writes the same rows. */
export const REVIEWS_PROJECT = `tables:
  reviews:
    columns:
      id: bigint
      review_key: uuid
      product: text
      title: text
      body: text
      author: text
      country: text
      language: text
      tags: text
      rating: smallint
      helpful: int
      views: bigint
      price: double
      latitude: double
      longitude: double
      score: double
      is_verified: boolean
      is_visible: boolean
      written_at: timestamp
      published_at: timestamptz
    lineage: false
`;

const COLUMNS = [
  ...['id', 'review_key', 'product', 'title', 'body', 'author', 'country', 'language', 'tags'],
  ...['rating', 'helpful', 'views', 'price', 'latitude', 'longitude', 'score'],
  ...['is_verified', 'is_visible', 'written_at', 'published_at'],
];

/** Texts to choose from; choosing is fast, and a CSV reader cannot tell. */
const BODIES = 4096;
const TITLES = 1024;
const RECORDS_A_WRITE = 2000;

/** Share of the scores that are printed with all digits a double has, as programs print computed values. */
const FULL_PRECISION_SHARE = 0.02;

const SENTENCES: readonly string[] = [
  'Arrived two days late, but the packaging was intact.',
  'The manual says "do not immerse", and it means it.',
  'After three months of daily use: no scratches, no rattling, no regrets.',
  'Battery life is about 11,5 hours, not the promised 14.',
  'I bought the blue one, the red one, and then (do not ask) the green one.',
  'Customer service answered within an hour and sent a spare part.',
  'Größe fällt klein aus, sonst tadellos – würde ich wieder kaufen.',
  'Die Lautstärke stört nachts; tagsüber hört man „fast nichts“.',
  'Très bon rapport qualité-prix, même si la notice est incomplète.',
  'L’écran s’éteint parfois, mais ça reste acceptable à ce prix.',
  'Funciona perfectamente; lo recomendaría a cualquiera que cocine a diario.',
  'Material resistente, aunque el color no es el de la foto.',
  'Работает как часы, доставка заняла неделю.',
  'Качество хорошее, но инструкция только на английском.',
  'Εξαιρετική ποιότητα και πολύ γρήγορη αποστολή.',
  '期待以上の品質でした。梱包も丁寧です。',
  '音が少し大きいですが、性能には満足しています。',
  '性价比很高，安装也很简单，推荐购买。',
  '포장이 꼼꼼했고 배송도 빨랐습니다.',
  'جودة ممتازة وسعر مناسب، أنصح به بشدة.',
  'Perfect gift 🎁 – my niece was over the moon 🚀🌙.',
  'Would buy again 👍🏽, would not assemble again 🔧😅.',
];
const RECORD_ENDS = [' ', ' ', ' ', '\n', '\n\n', '\n- '];
const NOUNS = [
  'kettle',
  'lamp',
  'backpack',
  'Küchenwaage',
  'théière',
  'キーボード',
  'чайник',
  'tent',
];
const MAKERS = ['Acme', 'Übersee & Söhne', 'Maison Noël', 'Sakura', 'Northwind, Inc.', 'Zażółć'];
const NAMES = [
  'Ada',
  'Zoë',
  'Łukasz',
  'Søren',
  'José',
  'Мария',
  '健太',
  'O"Neil',
  'Núria',
  'Jürgen',
];
const COUNTRIES = ['DE', 'FR', 'ES', 'JP', 'US', 'BR', 'PL', 'IN', 'KR', 'EG'];
const LANGUAGES = ['de', 'fr', 'es', 'ja', 'en', 'pt', 'pl', 'hi', 'ko', 'ar'];
const TAGS = ['gift', 'daily', 'returned', 'sturdy', 'loud', 'second-buy', 'größe', '丈夫'];
const ZONES = ['Z', '+00:00', '+02:00', '-05:00', '+05:30', '+09:00'];

export async function makeReviews(
  directory: string,
  wantedBytes: number,
  seed: number,
): Promise<Dataset> {
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, `${REVIEWS_TABLE}-${seed}.csv`);
  const header = `${COLUMNS.join(',')}\n`;
  const boundaries = [header.length];
  const makeRecord = prepareRecords(new Random(seed));
  const sums = { helpful: 0, views: 0 };
  const output = await open(file, 'w');
  let rows = 0;
  let bytes = header.length;
  try {
    await output.write(header);
    while (bytes < wantedBytes) {
      let records = '';
      for (let i = 0; i < RECORDS_A_WRITE; i++) records += makeRecord(++rows, sums);
      const encoded = Buffer.from(records);
      await output.write(encoded);
      bytes += encoded.length;
      boundaries.push(bytes);
    }
  } finally {
    await output.close();
  }
  return {
    name: REVIEWS_TABLE,
    title: `${rows.toLocaleString('en')} text-heavy records of ${COLUMNS.length} fields, seed ${seed}`,
    rows,
    files: [file],
    bytes,
    sha256: await hashFile(file),
    columns: COLUMNS,
    sumColumns: ['id', 'helpful', 'views'],
    flat: { path: file, bytes, headerBytes: header.length, boundaries },
    encoded: [],
    totals: {
      rows,
      sums: {
        id: String((BigInt(rows) * BigInt(rows + 1)) / 2n),
        helpful: String(sums.helpful),
        views: String(sums.views),
      },
    },
  };
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** @returns a function that makes the record of an id, and adds its integers to the sums */
function prepareRecords(random: Random) {
  const bodies = Array.from({ length: BODIES }, () => {
    let body = random.pick(SENTENCES);
    for (let more = random.below(10); more > 0; more--) {
      body += random.pick(RECORD_ENDS) + random.pick(SENTENCES);
    }
    return quote(body);
  });
  const titles = Array.from({ length: TITLES }, () =>
    quote(`${random.pick(MAKERS)}: ${random.pick(SENTENCES)}`),
  );
  const products = MAKERS.flatMap((maker) => NOUNS.map((noun) => quote(`${maker} ${noun}`)));
  const authors = NAMES.map((name) => (/"/.test(name) ? quote(name) : name));
  const days = Array.from({ length: 730 }, (_, day) =>
    new Date(Date.UTC(2023, 0, 1 + day)).toISOString().slice(0, 10),
  );
  const two = (value: number) => (value < 10 ? `0${value}` : String(value));
  const hex = (value: number, width: number) => value.toString(16).padStart(width, '0');
  const time = () =>
    `${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))}.${1000 + random.below(9000)}`;
  const key = () => {
    const [a, b, c] = [random.next(), random.next(), random.next()];
    return `${hex(a, 8)}-${hex(b >>> 16, 4)}-4${hex(b & 0xfff, 3)}-a${hex(c >>> 20, 3)}-${hex(random.next(), 8)}${hex(c & 0xffff, 4)}`;
  };

  return (id: number, sums: { helpful: number; views: number }): string => {
    const helpful = random.below(500);
    const views = random.below(10_000_000);
    sums.helpful += helpful;
    sums.views += views;
    const share = random.share();
    const score = random.share() < FULL_PRECISION_SHARE ? share / 3 : share.toFixed(4);
    const tags = `"${random.pick(TAGS)}, ${random.pick(TAGS)}"`;
    const author = random.below(20) === 0 ? '' : random.pick(authors);
    const latitude = (random.share() * 180 - 90).toFixed(6);
    const longitude = (random.share() * 360 - 180).toFixed(6);
    const origin = random.below(COUNTRIES.length);
    return (
      `${id},${key()},${random.pick(products)},${random.pick(titles)},${random.pick(bodies)},` +
      `${author},${COUNTRIES[origin]},${LANGUAGES[origin]},${tags},` +
      `${1 + random.below(5)},${helpful},${views},` +
      `${(random.below(100_000) / 100).toFixed(2)},${latitude},${longitude},${score},` +
      `${random.below(2) === 0 ? 'true' : 'false'},${random.below(10) === 0 ? 'f' : 't'},` +
      `${random.pick(days)} ${time()},${random.pick(days)}T${time()}${random.pick(ZONES)}\n`
    );
  };
}
