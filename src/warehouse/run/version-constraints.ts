/**
 * What holds for the versions of a table, whoever writes it: those of a key follow each other, without a gap and
 * without two at a moment, and one is current.
 *
 * Each version that has ended must have one that begins at that moment (the foreign key), no two end at one (the index
 * on the ends), and each ends behind its beginning: so versions make chains, forward in time. A chain ends with a
 * current version, of which there is one at most: so there is one chain. An exclusion constraint would need an
 * extension for the equality of keys.
 */
import type pg from 'pg';
import { quoteColumns } from '../../model/ddl.js';
import { IS_CURRENT, PREVIOUS_TO, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import type { Blueprint } from '../compile/blueprint.js';
import { quoteRelation } from '../compile/relation-shape.js';

/** They come with the table, and are not carried over to the next. */
const NAMES = {
  forward: 'edp_valid_forward',
  last: 'edp_current_is_last',
  noGap: 'edp_no_gap',
  behind: 'edp_valid_behind',
  noOverlap: 'edp_no_overlap',
} as const;
export const OWN_CONSTRAINTS: readonly string[] = Object.values(NAMES);

/** Of every table with versions. */
const CHECKS = `ADD CONSTRAINT ${NAMES.forward} CHECK (${VALID_FROM} < ${VALID_TO}),
    ADD CONSTRAINT ${NAMES.last} CHECK (${IS_CURRENT} = (${VALID_TO} IS NULL))`;

/** @param table as in SQL, with rows and a unique index on its key */
export async function addVersionConstraints(
  client: pg.Client,
  { key, versionsOf, hasEnds }: Blueprint,
  table: string,
): Promise<void> {
  if (versionsOf === undefined) return;
  const ends = quoteColumns([...versionsOf, VALID_TO]);
  await client.query(`CREATE UNIQUE INDEX ON ${table} (${ends})`);
  await client.query(
    `CREATE UNIQUE INDEX ON ${table} (${quoteColumns(versionsOf)}) WHERE ${IS_CURRENT}`,
  );
  if (hasEnds === true) {
    await addGapConstraints(client, versionsOf, table);
    return;
  }
  await client.query(`ALTER TABLE ${table}
    ${CHECKS},
    ADD CONSTRAINT ${NAMES.noGap} FOREIGN KEY (${ends}) REFERENCES ${table} (${quoteColumns(key)})
      DEFERRABLE INITIALLY DEFERRED`);
}

/**
 * Where members may end, each version refers to the one before it, by its end (the foreign key), which no other version
 * does (an index), and begins at that end or behind it. One version of a key at most has none before it (an index). So
 * there is one chain, forward in time, which may have gaps, and whose last version alone may have no end.
 */
async function addGapConstraints(
  client: pg.Client,
  versionsOf: readonly string[],
  table: string,
): Promise<void> {
  const members = quoteColumns(versionsOf);
  const previous = quoteColumns([...versionsOf, PREVIOUS_TO]);
  await client.query(`CREATE UNIQUE INDEX ON ${table} (${previous})`);
  await client.query(`CREATE UNIQUE INDEX ON ${table} (${members}) WHERE ${PREVIOUS_TO} IS NULL`);
  await client.query(`ALTER TABLE ${table}
    ${CHECKS},
    ADD CONSTRAINT ${NAMES.behind} CHECK (${PREVIOUS_TO} <= ${VALID_FROM}),
    ADD CONSTRAINT ${NAMES.noOverlap} FOREIGN KEY (${previous})
      REFERENCES ${table} (${quoteColumns([...versionsOf, VALID_TO])}) DEFERRABLE INITIALLY DEFERRED`);
}

/** Asks now what would be asked at the end of the transaction. */
export async function assertNoGap(
  client: pg.Client,
  { relation, hasEnds }: Blueprint,
): Promise<void> {
  const name = quoteRelation({
    schema: relation.schema,
    name: hasEnds === true ? NAMES.noOverlap : NAMES.noGap,
  });
  await client.query(`SET CONSTRAINTS ${name} IMMEDIATE`);
  await client.query(`SET CONSTRAINTS ${name} DEFERRED`);
}
