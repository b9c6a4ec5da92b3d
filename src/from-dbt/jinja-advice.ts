/** What to write in PostgreSQL instead of a macro that many projects use. */

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['date_trunc', "write date_trunc('day', column)"],
  ['dateadd', "write column + interval '1 day'"],
  ['datediff', 'write the difference of two dates or times: a - b'],
  ['safe_cast', 'write CAST(column AS type)'],
  ['cast', 'write CAST(column AS type)'],
  ['concat', 'write a || b, or concat(a, b)'],
  ['hash', 'write md5(CAST(column AS text))'],
  ['current_timestamp', 'write now()'],
  [
    'generate_surrogate_key',
    "write md5(concat_ws('-', a, b)); a dimension of edp has an id of its own",
  ],
  ['surrogate_key', "write md5(concat_ws('-', a, b)); a dimension of edp has an id of its own"],
  ['star', 'write the names of the columns'],
  ['date_spine', 'declare a calendar under dimensions:, or write generate_series(from, to, step)'],
  ['get_date_dimension', 'declare a calendar under dimensions:'],
  ['union_relations', 'write SELECT … UNION ALL SELECT …'],
  ['pivot', 'write sum(…) FILTER (WHERE …) for each value'],
  ['get_column_values', 'write the values'],
  ['safe_divide', 'write a / nullif(b, 0)'],
  ['env_var', 'write the value'],
  ['this', 'a model of edp is made from what it reads alone'],
  ['target', 'write the value; a target is a database of its own: --database-url'],
  ['run_started_at', 'write now(): what asks the clock is compared at each run'],
  ['invocation_id', 'leave it out; edp status --runs has the runs'],
  ['adapter', 'write the SQL of PostgreSQL'],
]);

const WRITE_IT = 'write the SQL that dbt compiles it to (target/compiled/), and put it into';

/** @param written of a value or a statement, without the braces. @param file where its SQL belongs */
export function adviseOn(written: string, file: string): string {
  const name = /^[\w.]+/.exec(written)?.[0] ?? '';
  const advice = ADVICE.get(name.split('.').at(-1)!) ?? ADVICE.get(name.split('.')[0]!);
  return advice === undefined ? `${WRITE_IT} ${file}` : `${advice}, in ${file}`;
}
