/** Triggers of a random table. */
import type { Random } from '../faults/random.js';
import { makeCondition } from './pieces.js';
import type { Column, Piece } from './setup.js';

/** @param key columns that no trigger changes: a record's key is that of the file, whatever is stored */
export function makeTriggers(
  random: Random,
  table: string,
  columns: readonly Column[],
  key: readonly string[],
): Piece[] {
  const often = (share: number) => random.next() < share;
  const pieces: Piece[] = [];
  const condition = () => makeCondition(random, columns, 'NEW.') ?? 'true';
  const trigger = (name: string, when: string, body: string): string[] => [
    `CREATE FUNCTION ${table}_${name}() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN ${body} END $f$`,
    `CREATE TRIGGER ${name} ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}_${name}()`,
  ];
  const events = () => random.pick(['BEFORE INSERT', 'BEFORE INSERT OR UPDATE']);
  if (often(0.1)) {
    pieces.push({
      what: 'trigger that leaves out',
      last: trigger(
        'out',
        events(),
        `IF NOT (${condition()}) THEN RETURN NULL; END IF; RETURN NEW;`,
      ),
    });
  }
  if (often(0.1)) {
    const state = random.pick(['P0001', 'U0001', '23514', '22023', '45000', '23505', '23503']);
    const raise = `RAISE EXCEPTION 'refused' USING ERRCODE = '${state}'`;
    pieces.push({
      what: 'trigger that raises',
      last: trigger(
        'raise',
        events(),
        `IF NOT (${condition()}) THEN ${raise}; END IF; RETURN NEW;`,
      ),
    });
  }
  if (often(0.12)) {
    const change = makeChange(
      random,
      columns.filter(({ name }) => !key.includes(name)),
    );
    if (change !== undefined) {
      pieces.push({
        what: 'trigger that changes',
        last: trigger('change', events(), `${change} RETURN NEW;`),
      });
    }
  }
  if (often(0.12)) {
    const { name } = random.pick(columns);
    const rule = random.pick(['', ' CHECK (v IS NOT NULL)', ' UNIQUE']);
    const events = random.pick(['AFTER INSERT', 'AFTER INSERT OR UPDATE']);
    pieces.push({
      what: 'trigger that writes elsewhere',
      before: [`CREATE TABLE ${table}_log (v text${rule})`],
      last: trigger(
        'log',
        events,
        `INSERT INTO ${table}_log VALUES (NEW.${name}::text); RETURN NULL;`,
      ),
      tables: [`${table}_log`],
    });
  }
  return pieces;
}

function makeChange(random: Random, columns: readonly Column[]): string | undefined {
  const usable = columns.filter(({ kind }) => kind.family !== 'other');
  if (usable.length === 0) return undefined;
  const { name, kind } = random.pick(usable);
  if (kind.family === 'text') return `NEW.${name} := lower(NEW.${name});`;
  return random.pick([
    `NEW.${name} := abs(NEW.${name});`,
    `IF NEW.${name} = 5 THEN NEW.${name} := 6; END IF;`,
  ]);
}
