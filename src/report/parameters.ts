/**
 * The parameters of a report that the user specifies. They are passed to the SQL as values only.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { suggest } from '../base/nearest.js';
import type { Model } from '../model/model.js';
import { isDataFault, toReportError } from './fault.js';
import { expandModelVariable, isModelVariable } from './model-variables.js';
import { lineAt, type Parameter, type Report } from './report.js';

export interface GivenParameters {
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** `name=value` each. */
  readonly param: readonly string[];
}

/** A parameter with the text for it, and where that came from. */
export interface Argument {
  readonly parameter: Parameter;
  readonly value: string | null;
  /** The flag as the user wrote it; undefined for the report's default. */
  readonly flag: string | undefined;
}

/** @throws EdpError `usage` for a name the report does not declare, or one given twice */
export function collectArguments(report: Report, given: GivenParameters): Argument[] {
  const values = new Map<string, { flag: string; value: string }>();
  const add = (name: string, value: string, flag: string) => {
    if (!report.parameters.some((parameter) => parameter.name === name)) {
      const list = report.parameters.map((parameter) => parameter.name).join(', ');
      throw new EdpError('usage', `${flag}: report ${report.name} has no parameter "${name}"`, {
        hint:
          list === ''
            ? 'it takes no parameters'
            : suggest(
                name,
                report.parameters.map((parameter) => parameter.name),
                `its parameters are: ${list}`,
              ),
      });
    }
    if (values.has(name)) {
      throw new EdpError('usage', `${flag}: ${name} is given twice`, { hint: 'leave one out' });
    }
    values.set(name, { flag, value });
  };
  if (given.from !== undefined) add('from', given.from, '--from');
  if (given.to !== undefined) add('to', given.to, '--to');
  for (const pair of given.param) {
    const equals = pair.indexOf('=');
    if (equals < 1) {
      throw new EdpError('usage', `--param ${pair}: expected name=value`, {
        hint: `edp generate-report ${report.name} --list shows the parameters`,
      });
    }
    const name = pair.slice(0, equals);
    add(name, pair.slice(equals + 1), `--param ${name}`);
  }
  return report.parameters.map((parameter) => {
    const found = values.get(parameter.name);
    return { parameter, value: found?.value ?? parameter.default, flag: found?.flag };
  });
}

/**
 * Lets the server read each value as its type, before the report runs.
 *
 * @param client in a transaction
 * @returns the value of each argument, as the server prints it
 * @throws EdpError `usage` for a value of the user, `report_failed` for a default or a type
 */
export async function checkArguments(
  client: pg.Client,
  report: Report,
  argumentList: readonly Argument[],
): Promise<Map<string, string | null>> {
  const checked = new Map<string, string | null>();
  for (const { parameter, value, flag } of argumentList) {
    try {
      const { rows } = await client.query<{ value: string | null }>(
        `SELECT ${readAs(parameter.type)}::text AS value`,
        [value],
      );
      checked.set(parameter.name, rows[0]?.value ?? null);
    } catch (error) {
      if (flag !== undefined && isDataFault(error)) {
        throw new EdpError(
          'usage',
          `${flag}: ${JSON.stringify(value)} is no ${parameter.type}: ${(error as Error).message}`,
          { hint: hintFor(parameter), cause: error },
        );
      }
      throw toReportError(error, { ...report, line: parameter.line });
    }
  }
  return checked;
}

/**
 * PostgreSQL silently drops the zone of a text that becomes a `timestamp`. Elsewhere in edp a
 * zone converts to UTC; read as timestamptz first, in a session whose zone is UTC, it does here
 * too.
 */
function readAs(type: string): string {
  return /^timestamp(\(\d\))?( without time zone)?$/i.test(type)
    ? `CAST(CAST($1 AS timestamptz) AS ${type})`
    : `CAST($1 AS ${type})`;
}

function hintFor({ type, description }: Parameter): string {
  const example = /^(timestamp|date)/i.test(type)
    ? 'write it as 2024-01-31 or 2024-01-31T06:00'
    : `give a value of type ${type}`;
  return description === '' ? example : `${example} (${description})`;
}

/** A statement and the values of its $1, $2, … */
export interface Statement {
  /** Has the same lines as the report's file. */
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** Their types. */
  readonly types: readonly string[];
}

/**
 * Puts a typed bind parameter in the place of every `:'name'`, and SQL made from the model in the
 * place of every model variable.
 *
 * @param values of every parameter, by name
 */
export function bindReport(
  report: Report,
  values: ReadonlyMap<string, string | null>,
  model: Model,
): Statement {
  const numbers = new Map<string, number>();
  let text = '';
  let copied = 0;
  for (const { name, start, end } of report.placeholders) {
    text += report.sql.slice(copied, start);
    copied = end;
    if (isModelVariable(name)) {
      text += expandModelVariable(name, model, `${report.file}:${lineAt(report.sql, start)}`);
      continue;
    }
    const number = numbers.get(name) ?? numbers.size + 1;
    numbers.set(name, number);
    const type = report.parameters.find((parameter) => parameter.name === name)?.type;
    text += `CAST($${number} AS ${type})`;
  }
  text += report.sql.slice(copied);
  const names = [...numbers.keys()];
  return {
    text,
    values: names.map((name) => values.get(name) ?? null),
    types: names.map((name) => report.parameters.find((one) => one.name === name)!.type),
  };
}
