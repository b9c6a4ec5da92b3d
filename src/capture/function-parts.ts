/** What the functions in the source have in common. */
import { quoteIdentifier } from '../model/ddl.js';
import { type CapturedModel, mostNeeded, type NeededSettings } from './plan.js';
import { NO_SCHEMAS } from './search-path.js';

export interface WantedFunction {
  readonly name: string;
  readonly parameters: string;
  readonly text: string;
  /** Run before it, where it is not installed as it is. */
  readonly needs?: readonly string[];
}

/** Errors that say nothing about a row or a mapping: the statement fails as it would without capture. */
export const PASSED_ON = 'transaction_rollback OR insufficient_resources OR operator_intervention';

const FLOATS: Readonly<Record<string, string>> = { extra_float_digits: '1' };

/** What texts of values depend on. */
const VALUE_SETTINGS: Readonly<Record<string, string>> = {
  timezone: 'UTC',
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  ...FLOATS,
};

/** Expressions that set them for a transaction. */
export const VALUE_SETTINGS_SQL = Object.entries(VALUE_SETTINGS)
  .map(([name, value]) => `set_config('${name}', '${value}', true)`)
  .join(', ');

const inHead = (settings: Readonly<Record<string, string>>) =>
  `\n  ${Object.entries(settings)
    .map(([name, value]) => `SET ${name} = '${value}'`)
    .join(' ')}`;

const SETTINGS: Readonly<Record<NeededSettings, string>> = {
  none: '',
  floats: inHead(FLOATS),
  all: inHead(VALUE_SETTINGS),
};

export function settingsOf(models: readonly CapturedModel[]): NeededSettings {
  return mostNeeded(models.map(({ settings }) => settings));
}

/** A quote that does not occur in a body: `$edp$`, unless names or SQL of edp.yaml have that. */
export function quoteFor(body: string): string {
  for (let i = 0; ; i++) {
    const quote = `$edp${i === 0 ? '' : i}$`;
    if (!body.includes(quote)) return quote;
  }
}

/** The text of a function that begins with a {@link functionHead}, in quotes that its body does not have. */
export function safelyQuoted(text: string): string {
  const from = text.indexOf(OPENING) + OPENING.length;
  const body = text.slice(from, -QUOTE.length);
  const quote = quoteFor(body);
  return `${text.slice(0, from - OPENING.length)}${OPENING.replace(QUOTE, () => quote)}${body}${quote}`;
}

const QUOTE = '$edp$';
const OPENING = ` AS ${QUOTE}`;

export function functionHead(
  name: string,
  parameters: string,
  returns: string,
  settings: NeededSettings,
  searchPath = NO_SCHEMAS,
): string {
  return `CREATE OR REPLACE FUNCTION edp_capture.${quoteIdentifier(name)}(${parameters}) RETURNS ${returns} LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = ${searchPath} SET jit = off${SETTINGS[settings]}${OPENING}`;
}
