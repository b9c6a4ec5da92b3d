/** Faults that are planted into edp, so that it is known what the trials find. Each edit is of a file of the repository. */

export interface Plant {
  readonly name: string;
  readonly edits: readonly Edit[];
}

interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const capture = (file: string, find: string, replace: string): Edit => ({
  file: `src/capture/${file}`,
  find,
  replace,
});

/** A number that says when the statement began, and not when its rows were locked. */
const DRAWN_BEFORE =
  "(nextval('edp_capture.event_sequence') * 0 + (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)";

export const PLANTS: readonly Plant[] = [
  {
    name: 'events are read whatever still runs (no xmin)',
    edits: [capture('read-window.ts', 'SELECT pg_snapshot_xmin(', 'SELECT pg_snapshot_xmax(')],
  },
  {
    name: 'numbers are drawn before rows are locked',
    edits: [
      capture('event-sql.ts', `"nextval('edp_capture.event_sequence')"`, `"${DRAWN_BEFORE}"`),
      capture(
        'snapshot.ts',
        "SELECT nextval('edp_capture.event_sequence')::text",
        `SELECT ${DRAWN_BEFORE}::text`,
      ),
    ],
  },
  {
    name: 'the cursor moves before files are linked',
    edits: [
      capture('run-capture.ts', '    await this.#sink.commit();\n', ''),
      capture(
        'run-capture.ts',
        "    await failpoint('capture.moved', this.#client);\n",
        "    await failpoint('capture.moved', this.#client);\n    await this.#sink.commit();\n",
      ),
    ],
  },
  {
    name: 'a row with another key is an update',
    edits: [
      capture(
        'single-row.ts',
        `hasFilter ? \`n.r AND o.r AND \${isSameKey(model)}\` : isSameKey(model)`,
        "hasFilter ? 'n.r AND o.r' : 'true'",
      ),
    ],
  },
  {
    name: 'old and new rows are joined by their place',
    edits: [
      capture(
        'event-sql.ts',
        "['true AS r', ...values]",
        "['true AS r', 'row_number() OVER () AS place', ...values]",
      ),
      capture('event-sql.ts', `AS n ON \${isSameKey(model)}`, 'AS n ON n.place = o.place'),
    ],
  },
  {
    name: 'partitions have no triggers',
    edits: [
      capture('install-steps.ts', '[table, ...table.partitions].flatMap(', '[table].flatMap('),
    ],
  },
  {
    name: 'what MERGE updates in partitions is taken as PostgreSQL shows it',
    edits: [
      capture(
        'install-steps.ts',
        '...(isParted && !isOnPart ? [routedTrigger(relation)] : []),',
        '',
      ),
    ],
  },
  {
    name: 'calculations hold no lock',
    edits: [
      capture('calculate-function.ts', 'PERFORM pg_advisory_xact_lock(k', 'PERFORM (k'),
      capture('calculate-function.ts', 'PERFORM pg_advisory_xact_lock($', 'PERFORM ($'),
    ],
  },
  {
    name: 'calculations under an old snapshot are not repeated',
    edits: [
      capture(
        'calculate-function.ts',
        "IF current_setting('transaction_isolation') <> 'read committed'",
        'IF false',
      ),
    ],
  },
  {
    name: 'TRUNCATE is ignored',
    edits: [capture('trigger-functions.ts', '  rows.length === 0\n', '  rows.length >= 0\n')],
  },
  {
    name: 'TRUNCATE of a partition is ignored',
    edits: [
      capture(
        'trigger-functions.ts',
        "  models.length === 0\n    ? ''\n    : `  BEGIN",
        "  models.length >= 0\n    ? ''\n    : `  BEGIN",
      ),
    ],
  },
  {
    name: 'TRUNCATE touches no calculation',
    edits: [
      capture(
        'trigger-functions.ts',
        'return notedIn(source, true)\n',
        'return notedIn(source, true)\n    .slice(0, 0)\n',
      ),
    ],
  },
  {
    name: 'the outbox is emptied without a lock',
    edits: [
      capture(
        'rotate-outbox.ts',
        'IN ACCESS EXCLUSIVE MODE NOWAIT`);\n      if (await hasUnread()) return false;\n',
        'IN ACCESS SHARE MODE`);\n',
      ),
    ],
  },
  {
    name: 'the outbox is emptied behind the fastest consumer',
    edits: [capture('rotate-outbox.ts', 'SELECT min(last_xmin)', 'SELECT max(last_xmin)')],
  },
  {
    name: 'a nested statement is taken for a later one',
    edits: [capture('trigger-functions.ts', '...(table.mayNest ? [nestedMark(source)] : []),', '')],
  },
  {
    name: 'rows that cannot be mapped are dropped',
    edits: [capture('trigger-functions.ts', '    keepRows(source, op),\n', '')],
  },
  {
    name: 'a snapshot waits for nobody',
    edits: [capture('snapshot.ts', 'if (rows[0]!.ended) return;', 'if (rows.length > 0) return;')],
  },
  {
    name: 'a snapshot notes its place before its rows are sent',
    edits: [
      capture('snapshot.ts', '    await options.sink?.commit();\n', ''),
      capture(
        'snapshot.ts',
        '    uncommitted = 0;\n  };',
        "    uncommitted = 0;\n    await failpoint('snapshot.sent', client);\n    await options.sink?.commit();\n  };",
      ),
    ],
  },
  {
    name: 'files that wait for their load are removed',
    edits: [
      capture(
        'sinks/loading-sink.ts',
        '    await this.#loadAll(await this.#list());\n  }\n\n  write',
        '    for (const file of await this.#list()) await rm(file);\n  }\n\n  write',
      ),
    ],
  },
  {
    name: 'truncates are not folded',
    edits: [
      {
        file: 'src/realize/fold-table.ts',
        find: 'hasTruncates: touched.truncated.has(name)',
        replace: "hasTruncates: touched.truncated.has(name) && name === ''",
      },
    ],
  },
];
