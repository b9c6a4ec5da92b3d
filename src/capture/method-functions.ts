/**
 * What an application calls that publishes methods of its rows. Triggers note the rows that a transaction touches
 * (`edp_capture.method_rows`); before its COMMIT, the application takes them, evaluates the methods, and hands over the values. What
 * becomes of a value is decided here, as it is for all other attributes.
 */
import { createHash } from 'node:crypto';
import { quoteIdentifier, quoteLiteral, quoteName } from '../model/ddl.js';
import { type ColumnType, SQL_TYPE } from '../model/types.js';
import { identityOf } from './calculate-function.js';
import { filterOf, NEXT_SEQUENCE, rowKey } from './event-sql.js';
import { functionHead, PASSED_ON, type WantedFunction } from './function-parts.js';
import { formOf, jsonText } from './json-values.js';
import type { CapturedModel, MethodAttribute } from './plan.js';
import { hasMethods } from './touch-sql.js';

/** pg_type.typname, where it is another word. */
const TYPE_NAMES: Partial<Record<ColumnType, string>> = {
  smallint: 'int2',
  int: 'int4',
  bigint: 'int8',
  real: 'float4',
  double: 'float8',
  boolean: 'bool',
};

/** For all models that have methods. */
export function methodFunctions(
  models: readonly CapturedModel[],
  isStrict: boolean,
): WantedFunction[] {
  const own = models.filter(hasMethods);
  return [
    { name: 'method_models', parameters: '', text: modelsFunction(own) },
    ...own.flatMap((model) => [
      {
        name: nameOf('publish methods', model),
        parameters: 'jsonb, json, json',
        text: publishFunction(model, isStrict),
      },
      { name: nameOf('method rows', model), parameters: '', text: rowsFunction(model) },
    ]),
  ];
}

function nameOf(what: string, { name }: CapturedModel): string {
  return `${what} ${createHash('md5').update(name).digest('hex').slice(0, 16)}`;
}

/** By model: the columns that tell its rows apart, and the attributes that methods fill. */
function modelsFunction(models: readonly CapturedModel[]): string {
  const known = Object.fromEntries(
    models.map(({ name, identity, methods, source }) => [
      name,
      {
        relation: quoteName(source),
        columns: identity,
        attributes: methods.map((one) => one.name),
      },
    ]),
  );
  return `CREATE OR REPLACE FUNCTION edp_capture.method_models() RETURNS json LANGUAGE sql IMMUTABLE AS $edp$
SELECT ${quoteLiteral(JSON.stringify(known))}::json
$edp$`;
}

/** Its arguments: which row, as it was noted; attribute → text of the value; attribute → why there is none. */
function publishFunction(model: CapturedModel, isStrict: boolean): string {
  const { source } = model;
  const insert = `INSERT INTO edp_capture.%I (sequence, model, version, op, key, after, errors)
    SELECT ${NEXT_SEQUENCE}, ${quoteLiteral(model.name)}, ${model.version}, 'update', ${rowKey(model)}, $2, $3
    FROM ${quoteName(source)} AS ${quoteIdentifier(source.name)}${filterOf(model) === '' ? ' WHERE true' : filterOf(model)}
      AND ${identityOf(model, '$1')}`;
  return `${functionHead(nameOf('publish methods', model), 'jsonb, json, json', 'void', 'all', model.searchPath)}
DECLARE
  pairs text;
  faults text;
BEGIN
${model.methods.map((one) => valuePart(one, isStrict)).join('\n')}
  IF pairs IS NOT NULL THEN
    EXECUTE format(${quoteLiteral(insert.replaceAll('%', '%%').replace('%%I', '%I'))}, 'outbox_' || (SELECT last_value FROM edp_capture.current_outbox))
      USING $1, '{' || pairs || '}', '{' || faults || '}';
  END IF;
END$edp$`;
}

function valuePart({ name, type }: MethodAttribute, isStrict: boolean): string {
  const form = formOf(type, TYPE_NAMES[type] ?? type);
  const key = quoteLiteral(name);
  const pair = quoteLiteral(`${JSON.stringify(name)}:`);
  const json = jsonText(form, `($2 ->> ${key})::${SQL_TYPE[type]}`);
  const value = `pairs := concat_ws(',', pairs, ${pair} || ${json});`;
  const guarded = isStrict
    ? `    ${value}`
    : `    BEGIN
      ${value}
    EXCEPTION
      WHEN ${PASSED_ON} THEN RAISE;
      WHEN ASSERT_FAILURE OR OTHERS THEN
        pairs := concat_ws(',', pairs, ${quoteLiteral(`${JSON.stringify(name)}:null`)});
        faults := concat_ws(',', faults, ${pair} || to_json(SQLERRM)::text);
    END;`;
  return `  IF ($2 -> ${key}) IS NOT NULL THEN
${guarded}
  END IF;
  IF ($3 ->> ${key}) IS NOT NULL THEN
    faults := concat_ws(',', faults, ${pair} || ($3 -> ${key})::text);
  END IF;`;
}

/** All of its rows, as triggers note them. */
function rowsFunction(model: CapturedModel): string {
  const { source, identity } = model;
  const alias = quoteIdentifier(source.name);
  const columns = identity.map((name) => `${alias}.${quoteIdentifier(name)}`);
  return `${functionHead(nameOf('method rows', model), '', 'SETOF jsonb', 'none', model.searchPath)}
BEGIN
  RETURN QUERY SELECT jsonb_build_array(${columns.join(', ')}) FROM ${quoteName(source)} AS ${alias}${filterOf(model)};
END$edp$`;
}
