/**
 * The way of an UPDATE of one row, which is what most statements are. To start the query for many rows takes longer than to
 * run it: it has some ten nodes for each column. Here, only what has changed is put together.
 */
import { quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import { differ, keyIndexes, keyOf, NEXT_SEQUENCE, pair } from './event-sql.js';
import type { CapturedModel } from './plan.js';

export function singleRowVariables(models: readonly CapturedModel[]): string[] {
  if (models.length === 0) return [];
  return ['  o record;', '  n record;', '  texts_after text;', '  texts_before text;'];
}

/** Sets row_count: 0 or 1 where all is done, more where the general way is to be taken. */
export function singleRow(models: readonly CapturedModel[]): string {
  const blocks = models.map((model, i) => block(model, i === 0));
  return `      row_count := 1;
${blocks.join('\n')}`;
}

function block(model: CapturedModel, isFirst: boolean): string {
  const join = keyIndexes(model)
    .map((i) => `n.a${i} = o.a${i}`)
    .join(' AND ');
  const changes = model.attributes.map((attribute, i) => {
    const [after, before] = [pair(attribute, `n.a${i}`), pair(attribute, `o.a${i}`)];
    return `          IF ${differ(attribute, `n.a${i}`, `o.a${i}`)} THEN
            texts_after := concat_ws(',', texts_after, ${after});
            texts_before := concat_ws(',', texts_before, ${before});
          END IF;`;
  });
  const count = isFirst
    ? `        IF NOT FOUND THEN
          row_count := 0;
        ELSE
          row_count := n.c;
        END IF;
`
    : '';
  return `      IF row_count = 1 THEN
        SELECT ${valuesOf(model)}${isFirst ? ', (SELECT count(*) FROM (SELECT FROM new_rows LIMIT 2) AS few) AS c' : ''}
          INTO n FROM new_rows AS ${quoteIdentifier(model.source.name)} LIMIT 1;
${count}      END IF;
      IF row_count = 1 THEN
        SELECT ${valuesOf(model)} INTO o FROM old_rows AS ${quoteIdentifier(model.source.name)} LIMIT 1;
        IF n.r AND o.r AND ${join} THEN
          texts_after := NULL;
          texts_before := NULL;
${changes.join('\n')}
          IF texts_after IS NOT NULL THEN
            events := array_append(events, ROW(${NEXT_SEQUENCE}, pg_current_xact_id(), ${quoteLiteral(model.name)}, ${model.version}, 'update',
              ${keyOf(model, 'n')}, '{' || texts_after || '}', '{' || texts_before || '}', NULL, clock_timestamp())::edp_capture.outbox_0);
          END IF;
        ELSIF n.r OR o.r THEN
          -- Another key, or another side of the filter.
          row_count := 2;
          events := NULL;
        END IF;
      END IF;`;
}

function valuesOf({ attributes, where }: CapturedModel): string {
  const values = attributes.map(({ value }, i) => `${value} AS a${i}`);
  return `${where === undefined ? 'true' : `coalesce((${where}\n), false)`} AS r, ${values.join(', ')}`;
}
