/**
 * The ways in which `--dirty` damages records, and the outcome of each under edp's default options.
 *
 * They occur in real files: exports cut off, spreadsheets that reformat, services that resend. Each
 * kind has exactly one fault, or none, so that its outcome does not depend on the order in which a
 * loader checks. No kind damages its neighbours (as an unterminated quote would).
 */
import type { RejectCode } from '../model/reject-codes.js';
import { type Draft, FIELD } from './draft.js';
import type { Random } from './random.js';

export interface DirtKind {
  readonly name: string;
  /** Loaded nevertheless, counted as a duplicate, or rejected with this code. */
  readonly outcome: 'loaded' | 'duplicate' | RejectCode;
  /** Whether it repeats an earlier record, and so cannot be the first of its chunk. */
  readonly needsEarlier?: boolean;
  /** Turns the draft of a clean record into the damaged one. */
  damage(draft: Draft, random: Random): void;
}

const TIMESTAMPS = [FIELD.recordedDate, FIELD.createdDate] as const;
const DIMENSIONS = [FIELD.firstDimensionId, FIELD.secondDimensionId] as const;
const INTEGERS = [FIELD.id, ...DIMENSIONS] as const;

export const DIRT: readonly DirtKind[] = [
  {
    name: 'bad_integer',
    outcome: 'bad_integer',
    damage({ fields }, random) {
      const field = random.pick(INTEGERS);
      const value = fields[field];
      fields[field] = random.pick([`${value}x`, `${value}.5`, `#${value}`, `${value},000`, 'n/a']);
    },
  },
  {
    name: 'out_of_range',
    outcome: 'out_of_range',
    damage({ fields }, random) {
      const field = random.pick(INTEGERS);
      // One more than the largest bigint, one more than the largest int.
      fields[field] = field === FIELD.id ? '9223372036854775808' : '2147483648';
    },
  },
  {
    name: 'missing_id',
    outcome: 'null_value',
    damage({ fields }) {
      fields[FIELD.id] = '';
    },
  },
  {
    name: 'bad_timestamp',
    outcome: 'bad_timestamp',
    damage({ fields }, random) {
      // PostgreSQL itself would read "yesterday" as a time, a different one every day.
      fields[random.pick(TIMESTAMPS)] = random.pick([
        '2024-02-30 10:00:00',
        '2023-02-29 10:00:00',
        '2024-13-01 10:00:00',
        '2024-01-05 25:00:00',
        '31/01/2024 10:00',
        'yesterday',
      ]);
    },
  },
  {
    name: 'bad_json',
    outcome: 'bad_json',
    damage({ fields }, random) {
      const json = fields[FIELD.eventMetrics] as string;
      fields[FIELD.eventMetrics] = random.pick([
        json.slice(0, 1 + random.below(json.length - 1)),
        json.replaceAll('"', "'"),
      ]);
    },
  },
  {
    name: 'bad_metric',
    outcome: 'bad_metric',
    damage(draft, random) {
      const spoiled = random.pick(draft.metrics)[0];
      const value = random.pick(['"12.7"', '12.7', 'true', '"abc"']);
      draft.fields[FIELD.eventMetrics] = toJson(
        draft.metrics.map(([name, good]) => [name, name === spoiled ? value : good]),
      );
    },
  },
  {
    name: 'wrong_field_count',
    outcome: 'wrong_field_count',
    damage({ fields }, random) {
      if (random.below(2) === 0) fields.splice(random.below(fields.length), 1);
      else fields.push('');
    },
  },
  {
    name: 'missing_dimension',
    outcome: 'missing_dimension',
    damage({ fields, dimensions }, random) {
      if (random.below(2) === 0) fields[FIELD.firstDimensionId] = `${dimensions.noFirstId}`;
      else fields[FIELD.secondDimensionId] = `${dimensions.noSecondId}`;
    },
  },
  {
    name: 'conflict',
    outcome: 'conflict',
    needsEarlier: true,
    damage(draft, random) {
      draft.fields = [...draft.earlier];
      // The metrics stay as they are, so that their sums do not depend on which of the two records
      // a parallel loader reads first.
      draft.fields[FIELD.createdDate] = laterBy(
        60 + random.below(3600),
        draft.earlier[FIELD.createdDate] as string,
      );
    },
  },
  {
    name: 'duplicate',
    outcome: 'duplicate',
    needsEarlier: true,
    damage(draft) {
      draft.fields = [...draft.earlier];
    },
  },
  {
    name: 'missing_metrics',
    outcome: 'loaded',
    damage(draft, random) {
      const absent = random.pick(draft.metrics)[0];
      const rest = draft.metrics.filter(([name]) => name !== absent);
      const json = random.pick([toJson(rest), '{"metrics": {}}', '{}', '']);
      draft.fields[FIELD.eventMetrics] = json;
      draft.metrics = json === toJson(rest) ? rest : [];
    },
  },
  {
    name: 'shuffled_metrics',
    outcome: 'loaded',
    damage(draft, random) {
      draft.fields[FIELD.eventMetrics] = toJson(random.shuffle(draft.metrics));
    },
  },
  {
    name: 'metric_as_string',
    outcome: 'loaded',
    damage(draft, random) {
      const chosen = random.pick(draft.metrics)[0];
      const isEvery = random.below(2) === 0;
      draft.fields[FIELD.eventMetrics] = toJson(
        draft.metrics.map(([name, value]) => [
          name,
          isEvery || name === chosen ? `"${value}"` : value,
        ]),
      );
    },
  },
  {
    name: 'spaced_json',
    outcome: 'loaded',
    damage({ fields }, random) {
      const value = JSON.parse(fields[FIELD.eventMetrics] as string);
      fields[FIELD.eventMetrics] = random.pick([
        JSON.stringify(value),
        JSON.stringify(value).replace(/[{}:,]/g, ' $& '),
        JSON.stringify(value).replace(/[:,]/g, '$&\t'),
      ]);
    },
  },
  {
    // One record over several lines: a line end inside quotes ends no record.
    name: 'multiline_json',
    outcome: 'loaded',
    damage({ fields }) {
      const value = JSON.parse(fields[FIELD.eventMetrics] as string);
      fields[FIELD.eventMetrics] = JSON.stringify(value, null, 2);
    },
  },
  {
    name: 'quoted_fields',
    outcome: 'loaded',
    damage(draft) {
      draft.isQuoted = true;
    },
  },
  {
    // pandas writes an integer column like this if it once had an empty field.
    name: 'integer_as_decimal',
    outcome: 'loaded',
    damage({ fields }) {
      for (const field of DIMENSIONS) fields[field] = `${fields[field]}.0`;
    },
  },
  {
    // The same instant as in the clean record, written in another zone, so that the row is also the
    // same.
    name: 'zoned_timestamp',
    outcome: 'loaded',
    damage({ fields }, random) {
      const [zone, minutes] = random.pick([
        ['Z', 0],
        ['+02:00', 120],
        ['-05:00', -300],
        ['+05:30', 330],
      ] as const);
      for (const field of TIMESTAMPS) {
        const local = laterBy(minutes * 60, fields[field] as string);
        fields[field] = `${local.replace(' ', 'T')}${zone}`;
      }
    },
  },
];

/** The kinds that can be anywhere, also before the first undamaged record. */
export const NEW_DIRT: readonly DirtKind[] = DIRT.filter((kind) => kind.needsEarlier !== true);

/** @param metrics names, and values as they are written in JSON */
function toJson(metrics: readonly (readonly [name: string, value: string | number])[]): string {
  const members = metrics.map(([name, value]) => `"${name}": ${value}`);
  return `{"metrics": {${members.join(', ')}}}`;
}

/** @param timestamp as the generator writes it; a fraction of a second is kept */
function laterBy(seconds: number, timestamp: string): string {
  const [whole, fraction] = timestamp.split('.') as [string, string?];
  const moved = new Date(Date.parse(`${whole.replace(' ', 'T')}Z`) + seconds * 1000);
  const text = moved.toISOString().slice(0, 19).replace('T', ' ');
  return fraction === undefined ? text : `${text}.${fraction}`;
}
