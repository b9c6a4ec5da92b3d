/**
 * What the server's sessions do while a load runs, by looking at pg_stat_activity many times a second.
 *
 * A session that waits for `Client: ClientRead` waits for edp; one that waits for nothing computes, or
 * would, if it had a core.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

const INTERVAL_MS = 20;

export interface SessionActivity {
  readonly role: string;
  /** How often each thing was seen, the most frequent first. */
  readonly seen: readonly { readonly what: string; readonly share: number }[];
}

interface ActivityRow {
  readonly pid: number;
  readonly role: string;
  readonly database: string | null;
  readonly what: string;
}

export class SessionSampler {
  readonly #client: pg.Client;
  readonly #database: string;
  readonly #roles = new Map<number, string>();
  readonly #seen = new Map<string, Map<string, number>>();
  readonly #loop: Promise<void>;
  #isStopped = false;

  /** @param client a session of its own in another database */
  constructor(client: pg.Client, database: string) {
    this.#client = client;
    this.#database = database;
    this.#loop = this.#watch();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
  }

  /** What a process of the server is: the role of a session, or the kind of a server process. */
  roleOf(pid: number): string | undefined {
    return this.#roles.get(pid);
  }

  countRole(role: string): number {
    return [...this.#roles.values()].filter((other) => other === role).length;
  }

  get activities(): SessionActivity[] {
    return [...this.#seen].map(([role, counts]) => {
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      return {
        role,
        seen: [...counts]
          .map(([what, count]) => ({ what, share: count / total }))
          .sort((a, b) => b.share - a.share),
      };
    });
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      const { rows } = await this.#client.query<ActivityRow>(
        `SELECT pid, datname AS database,
                CASE WHEN application_name = '' THEN backend_type ELSE application_name END AS role,
                CASE WHEN wait_event IS NULL THEN 'computes'
                     WHEN wait_event = 'ClientRead' THEN 'waits for edp (' || state || ')'
                     ELSE 'waits: ' || wait_event_type || ' ' || wait_event END AS what
         FROM pg_stat_activity WHERE pid <> pg_backend_pid()`,
      );
      for (const { pid, role, database, what } of rows) {
        this.#roles.set(pid, role);
        if (database !== this.#database) continue;
        const counts = this.#seen.get(role) ?? new Map<string, number>();
        counts.set(what, (counts.get(what) ?? 0) + 1);
        this.#seen.set(role, counts);
      }
      await sleep(INTERVAL_MS);
    }
  }
}
