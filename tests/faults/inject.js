/**
 * Makes the faults at failpoints. Plain JavaScript, since the built program itself imports it
 * (src/base/failpoints.ts), in its main thread and in each of its workers.
 *
 * EDP_FAILPOINTS is a comma-separated list of
 *   name=action          the first time a thread reaches it
 *   name=action@N        the N-th time
 *   name=action@*        every time
 *   name:=number         a limit that is set
 * (or @ and the name of a file with such a list). EDP_FAULT_LOG names a file to which every fault
 * adds a line when it happens.
 *
 * Actions:
 *   kill            SIGKILL to the own process
 *   interrupt       SIGINT to the own process; interrupt2: twice
 *   stray           throws outside of every handler, in a callback; stray/exit: ends the thread or process
 *   reject          makes a promise that fails, and for which nobody waits
 *   error           throws; error/CODE: with that code (ENOSPC, ECONNRESET, 40001, …)
 *   disconnect      destroys the socket of the session, and continues
 *   lose            destroys it and throws, as if the answer to the last message was lost
 *   terminate       pg_terminate_backend of the own session, and continues
 *   sql/SQLSTATE    makes the server raise that error in the transaction of the session
 *   pause/MS        waits
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** @typedef {{ name: string, action: string, argument: string, hit: number | undefined }} Rule */

/** @type {Map<string, Rule[]>} */
const rules = new Map();
/** @type {Map<string, number>} */
const settings = new Map();
/** @type {Map<string, number>} */
const hits = new Map();
let text = '';
/** File that lists the faults that happened. */
let log = process.env.EDP_FAULT_LOG;

const given = process.env.EDP_FAILPOINTS ?? '';
/** A file with the list, which may change between runs; its first line names the log. */
const file = given.startsWith('@') ? given.slice(1) : undefined;
if (file === undefined) parse(given);

/** @param {string} list */
function parse(list) {
  rules.clear();
  settings.clear();
  hits.clear();
  for (const entry of list.split(',').filter(Boolean)) {
    const setting = /^(.+?):=(\d+)$/.exec(entry);
    if (setting !== null) {
      settings.set(setting[1], Number(setting[2]));
      continue;
    }
    const parts = /^([\w.]+)=(\w+)(?:\/(\w+))?(?:@(\d+|\*))?$/.exec(entry);
    if (parts === null) throw new Error(`EDP_FAILPOINTS: "${entry}" cannot be read`);
    const [, name, action, argument = '', hit = '1'] = parts;
    const rule = { name, action, argument, hit: hit === '*' ? undefined : Number(hit) };
    rules.set(name, [...(rules.get(name) ?? []), rule]);
  }
}

function lookAgain() {
  if (file === undefined) return;
  const now = readFileSync(file, 'utf8');
  if (now === text) return;
  text = now;
  const end = now.indexOf('\n');
  log = now.slice(0, end);
  parse(now.slice(end + 1).trim());
}

/** @param {string} name */
export function setting(name) {
  lookAgain();
  return settings.get(name);
}

/**
 * @param {string} name
 * @param {pg.Client | undefined} client
 */
export function reach(name, client) {
  lookAgain();
  const own = rules.get(name);
  if (own === undefined) return undefined;
  const hit = (hits.get(name) ?? 0) + 1;
  hits.set(name, hit);
  const rule = own.find((candidate) => candidate.hit === undefined || candidate.hit === hit);
  return rule === undefined ? undefined : act(rule, client);
}

/**
 * @param {Rule} rule
 * @param {pg.Client | undefined} client
 */
async function act({ name, action, argument }, client) {
  const what = argument === '' ? action : `${action}/${argument}`;
  const needsClient = ['disconnect', 'lose', 'terminate', 'sql'].includes(action);
  if (needsClient && client === undefined) return;
  // Within a COPY the session takes no statement.
  if (action === 'sql' && client.readyForQuery !== true) return;
  note(name, what);
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      // The signal ends all threads, but perhaps not before the next line.
      return sleep(60_000);
    case 'interrupt':
      process.kill(process.pid, 'SIGINT');
      return undefined;
    case 'interrupt2':
      process.kill(process.pid, 'SIGINT');
      await sleep(20);
      process.kill(process.pid, 'SIGINT');
      return sleep(20);
    case 'stray':
      setImmediate(() => {
        if (argument === 'exit') process.exit(7);
        throw fault(argument);
      });
      return sleep(20);
    case 'reject':
      void Promise.reject(fault(argument));
      return sleep(20);
    case 'error':
      throw fault(argument);
    case 'disconnect':
      client.connection.stream.destroy();
      return undefined;
    case 'lose':
      client.connection.stream.destroy();
      throw fault('ECONNRESET');
    case 'terminate':
      return terminate(client);
    case 'sql':
      await client.query(
        `DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '${argument}'; END $$`,
      );
      return undefined;
    case 'pause':
      return sleep(Number(argument));
    default:
      throw new Error(`EDP_FAILPOINTS: no action "${action}"`);
  }
}

/** @param {string} code */
function fault(code) {
  const error = new Error(`injected fault ${code}`.trim());
  return code === '' ? error : Object.assign(error, { code });
}

/**
 * @param {string} name
 * @param {string} what
 */
function note(name, what) {
  if (log) appendFileSync(log, `${name} ${what}\n`);
}

/** @param {pg.Client} client */
async function terminate(client) {
  const { host, port, user, database } = client;
  const other = new pg.Client({ host, port, user, database, ssl: false });
  await other.connect();
  try {
    await other.query('SELECT pg_terminate_backend($1, 5000)', [client.processID]);
  } finally {
    await other.end();
  }
}
