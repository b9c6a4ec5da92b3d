/** What checks look at: a place, and a server that answers. */
import type pg from 'pg';
import type { Table } from '../model/model.js';
import type { Environment } from '../postgres/passfile.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import type { ServerAddress } from '../postgres/which-server.js';
import type { WarehouseProject } from '../project/load-warehouse.js';

/** The machine, as far as checks ask for it: tests say something else. */
export interface Machine {
  readonly nodeVersion: string;
  /** What this process may use: the limit of its container, else the memory of the machine. */
  readonly memoryBytes: number;
  now(): number;
}

/** Where edp runs. */
export interface Place {
  readonly directory: string;
  readonly environment: Environment;
  readonly machine: Machine;
  readonly databaseUrl: string | undefined;
  /** Where the value above comes from. */
  readonly urlOrigin: string | undefined;
  readonly processCount: number;
  /** Undefined where its address cannot be read. */
  readonly address: ServerAddress | undefined;
  /** Undefined where edp.yaml has faults. */
  readonly project: WarehouseProject | undefined;
}

/** A table of the project that is in the database. */
export interface OwnTable {
  readonly oid: number;
  /** Schema-qualified and quoted, where SQL needs it. */
  readonly name: string;
  /** Undefined for what a task makes. */
  readonly declared: Table | undefined;
}

/** What goes by the name of a table of the model, and that edp cannot load as it is. */
export interface ShutTable {
  readonly oid: number;
  readonly declared: Table;
  /** Schema-qualified and quoted, where SQL needs it. */
  readonly name: string;
  /** Quoted where SQL needs it. */
  readonly schema: string;
}

/** A server that answers, with a session on it. */
export interface Served extends Place {
  readonly client: pg.Client;
  readonly config: ConnectionConfig;
  readonly isEmbedded: boolean;
  /** Whether it runs on this machine, as far as its address tells. */
  readonly isLocal: boolean;
  readonly version: number;
  /** Quoted where SQL needs it. */
  readonly role: string;
  readonly database: string;
  readonly isSuperuser: boolean;
  /** Whether there is one that the role can read. */
  readonly hasLedger: boolean;
  /** Time limits of the session that are not off, before the doctor sets its own. */
  readonly limits: readonly { readonly name: string; readonly value: string }[];
  /** The clock of the server, in milliseconds, and the clock here while it was asked. */
  readonly clock: { readonly server: number; readonly here: number };
  readonly tables: readonly OwnTable[];
  /** Tables of the model that are not there. */
  readonly missing: readonly Table[];
  /** Those in a schema that the role may not use. */
  readonly hidden: readonly ShutTable[];
  /** Views and other relations that have the name of a table of the model. */
  readonly otherKinds: readonly ShutTable[];
}
