/** What capture has in a source already. */
import type pg from 'pg';
import type { TablePlace } from '../model/table-name.js';
import {
  type InstalledModel,
  type InstalledParts,
  type InstalledTrigger,
  triggerKey,
} from './install-steps.js';

const NOTHING: InstalledParts = {
  base: undefined,
  functions: new Map(),
  triggers: new Map(),
  models: new Map(),
};

export async function readInstalled(client: pg.Client): Promise<InstalledParts> {
  const { rows } = await client.query<{ base: string | null }>(
    `SELECT obj_description(oid, 'pg_namespace') AS base FROM pg_namespace WHERE nspname = 'edp_capture'`,
  );
  if (rows.length === 0) return NOTHING;
  const functions = await client.query<{ name: string; parameters: string; hash: string }>(
    `SELECT p.proname AS name, pg_get_function_identity_arguments(p.oid) AS parameters, obj_description(p.oid, 'pg_proc') AS hash
     FROM pg_proc AS p WHERE p.pronamespace = 'edp_capture'::regnamespace AND obj_description(p.oid, 'pg_proc') LIKE 'edp capture %'`,
  );
  const triggers = await client.query<InstalledTrigger & TablePlace>(
    `SELECT t.tgname AS name, json_build_object('schema', n.nspname, 'name', c.relname) AS relation, p.proname AS "functionName", t.tgenabled AS enabled, t.tgnargs > 0 AS "hasArgument"
     FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
       JOIN pg_proc AS p ON p.oid = t.tgfoid
     WHERE p.pronamespace = 'edp_capture'::regnamespace AND n.nspname <> 'edp_capture'
       AND t.tgparentid = 0 -- A partition's copy comes and goes with the trigger of its table.
     ORDER BY n.nspname, c.relname, t.tgname`,
  );
  const base = rows[0]!.base ?? undefined;
  const models = await readModels(client);
  return {
    base,
    functions: new Map(functions.rows.map(({ name, ...one }) => [name, one])),
    triggers: new Map(triggers.rows.map((one) => [triggerKey(one), one])),
    models,
  };
}

export async function readModels(client: pg.Client): Promise<Map<string, InstalledModel>> {
  const { rows: there } = await client.query(
    "SELECT FROM pg_class WHERE oid = to_regclass('edp_capture.models')",
  );
  if (there.length === 0) return new Map();
  const { rows } = await client.query<InstalledModel & { readonly model: string }>(
    // Older ones have no such column.
    `SELECT model, source, version, to_jsonb(m) ->> 'definition' AS definition FROM edp_capture.models AS m`,
  );
  return new Map(rows.map(({ model, ...one }) => [model, one]));
}
