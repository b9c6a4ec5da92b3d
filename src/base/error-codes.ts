/**
 * The codes of edp's own errors, with what docs/codes.md says of each. They are stable: scripts read them
 * from `--json`. So a code may be added, and none is renamed or removed.
 */

/** 1 failed: nothing is lost, run the command again. 2 usage or configuration: change something first. */
export type FailureStatus = 1 | 2;

export interface ErrorCodeEntry {
  readonly exitStatus: FailureStatus;
  /** What has happened: a sentence. */
  readonly meaning: string;
  /** What to do next: a sentence. The hint of an error says it more exactly. */
  readonly remedy: string;
}

export const ERROR_CODES = {
  usage: {
    exitStatus: 2,
    meaning: 'An option, an argument or a combination of them is wrong.',
    remedy: 'Read `edp <command> --help`, and correct the command.',
  },
  config: {
    exitStatus: 2,
    meaning: '`edp.yaml`, a database URL or a TLS setting is wrong, or edp cannot edit `edp.yaml`.',
    remedy:
      'Correct the setting that the message names; [edp.schema.json](edp.schema.json) describes `edp.yaml`.',
  },
  model: {
    exitStatus: 2,
    meaning: 'A declared table has more columns than PostgreSQL takes.',
    remedy: 'Declare the fields that you need, and list the others under `ignore:`.',
  },
  published_schema: {
    exitStatus: 2,
    meaning:
      'A published schema was edited or is gone, or the model has changed under its version; published versions never change.',
    remedy:
      'Raise `version` of the table, or restore the file from version control; `edp schema check` says what differs.',
  },
  no_such_file: {
    exitStatus: 2,
    meaning: 'A file or a pattern names nothing that is there.',
    remedy: 'Check the name and the working directory; put a pattern in quotes.',
  },
  not_a_file: {
    exitStatus: 2,
    meaning: 'A name belongs to a directory, or to something else that is no regular file.',
    remedy: 'Name the files in the directory, or pipe the data in: `edp ingest - --table NAME`.',
  },
  not_csv: {
    exitStatus: 1,
    meaning: 'A file is no CSV, has no fields, or is an archive without exactly one readable file.',
    remedy:
      'Run `edp inspect FILE`; give the form of the file with options, or unpack the archive.',
  },
  wrong_format: {
    exitStatus: 1,
    meaning:
      'A file is no JSON lines, its lines have more different keys than a table has columns, or an option is for another format.',
    remedy: 'Run `edp inspect FILE`; name another format with `--format`, or omit the option.',
  },
  corrupt_file: {
    exitStatus: 1,
    meaning: 'A compressed file is cut off or damaged; what came out of it before is loaded.',
    remedy: 'Get the file again, and run the command again: the load goes on.',
  },
  source_refused: {
    exitStatus: 2,
    meaning:
      'The server of a URL does not give the file: it is not there, or needs other credentials.',
    remedy: 'Check the URL, and its user and password.',
  },
  source_unreachable: {
    exitStatus: 1,
    meaning:
      'The server of a URL does not answer, or breaks off each time; edp has tried several times.',
    remedy:
      'Run the command again when the server can be reached: the load goes on where it stopped.',
  },
  unknown_table: {
    exitStatus: 2,
    meaning: 'No table of the model takes the file, or the model does not have the table.',
    remedy: 'Name a table with `--table`, declare it in `edp.yaml`, or make it with `--create`.',
  },
  header_mismatch: {
    exitStatus: 1,
    meaning: 'The header of a file does not fit the table, or the file does not name its fields.',
    remedy: 'Name another table, change its columns, or use `--columns` or `--on-new-column`.',
  },
  empty_snapshot: {
    exitStatus: 1,
    meaning:
      'A file that is to hold all members of a table has no records, so all would have ended.',
    remedy:
      'Get the whole file, or load this one with `--force` where there are no members any more.',
  },
  table_mismatch: {
    exitStatus: 1,
    meaning: 'The table in the database does not fit the model.',
    remedy: 'Change the table or the model so that they agree.',
  },
  file_changed: {
    exitStatus: 1,
    meaning: 'A file changed or disappeared while edp used it, or is not the one that was loaded.',
    remedy: 'Wait until nobody writes to it, or put it back; then run the command again.',
  },
  database_unreachable: {
    exitStatus: 1,
    meaning: 'No database answers, or the connection is lost.',
    remedy: 'Check host, port and server; then run the command again.',
  },
  database_refused: {
    exitStatus: 1,
    meaning: 'The database refuses the login, the encryption, or something this role may not do.',
    remedy: 'Check user, password, TLS settings and privileges ([security.md](security.md)).',
  },
  database_error: {
    exitStatus: 1,
    meaning: 'The database went away while a report was read; nothing is written.',
    remedy: 'Run the report again.',
  },
  replica_wrong: {
    exitStatus: 2,
    meaning: 'The URL of the replica names no standby, or the standby of another server.',
    remedy: 'Correct `EDP_REPLICA_URL`, or omit `--from-replica`.',
  },
  replica_behind: {
    exitStatus: 1,
    meaning: 'The standby did not get in time what the primary had committed before.',
    remedy: 'Wait longer with `--replica-wait`, see why it is behind, or omit `--from-replica`.',
  },
  embedded_failed: {
    exitStatus: 1,
    meaning: 'The embedded PostgreSQL cannot be installed or started on this machine.',
    remedy: 'Do what the message says, or name a server with `--database-url`.',
  },
  server_in_use: {
    exitStatus: 1,
    meaning: 'Other commands use the embedded server, so its data is not removed.',
    remedy: 'Wait until they have ended, or end them; then run the command again.',
  },
  unknown_load: {
    exitStatus: 2,
    meaning: 'The ledger has no load of this number.',
    remedy: 'Run `edp status` to see the loads.',
  },
  unknown_task: {
    exitStatus: 2,
    meaning: '`edp.yaml` declares no task, view, table or column of this name, or several.',
    remedy:
      'Run `edp run --dry-run` to see the tasks; qualify the name: `silver.NAME`, `gold.NAME`.',
  },
  missing_source: {
    exitStatus: 1,
    meaning: 'A task reads a table or a view that is not in the database.',
    remedy:
      'Load it first, or correct the name in edp.yaml; `edp realize` makes tables that are realized.',
  },
  events_not_loaded: {
    exitStatus: 1,
    meaning: 'Captured events could not be loaded into the warehouse.',
    remedy: 'Correct what the message says and run it again: the events are still in the outbox.',
  },
  task_failed: {
    exitStatus: 1,
    meaning: 'A task could not make its table; what it had made before is as it was.',
    remedy: 'The message names what the server refused, and where; run again after mending it.',
  },
  unknown_environment: {
    exitStatus: 2,
    meaning: 'There is no environment of this name.',
    remedy: 'Make it with `edp run --env NAME`.',
  },
  environment_refused: {
    exitStatus: 1,
    meaning:
      'An environment cannot be promoted or dropped: it is not made as `edp.yaml` says now, or something else reads it.',
    remedy: 'Do what the message says; often `edp run --env NAME`.',
  },
  unknown_run: {
    exitStatus: 2,
    meaning: 'The ledger has no run of this number.',
    remedy: 'Run `edp status --runs` to see the runs.',
  },
  load_busy: {
    exitStatus: 1,
    meaning: 'Another command is loading, replaying or undoing this load.',
    remedy: 'Wait until that command ends; `edp status LOAD` shows the load.',
  },
  capture_busy: {
    exitStatus: 1,
    meaning:
      'Another command already sends the events of the consumer, takes the snapshot of the table, or changes what is installed.',
    remedy:
      'Wait until the session that the message names has ended, or end it; then run it again.',
  },
  load_undone: {
    exitStatus: 2,
    meaning: 'The load is undone, or half undone.',
    remedy: 'Finish the undo if it is half done; then load the file again.',
  },
  load_gone: {
    exitStatus: 2,
    meaning: 'The table of the load was dropped, and its rows with it.',
    remedy: 'Load the file again: it is not taken for loaded.',
  },
  no_lineage: {
    exitStatus: 2,
    meaning: 'The table has no lineage column, so its rows do not name their load.',
    remedy: 'Remove the rows by hand, and load the file again with `--force`.',
  },
  still_referenced: {
    exitStatus: 1,
    meaning: 'Rows of other tables refer to rows of the load.',
    remedy: 'Undo the loads that brought those rows, or remove the rows; then undo again.',
  },
  undo_blocked: {
    exitStatus: 1,
    meaning:
      'A trigger, a rule or a policy of the table keeps rows of the load from being removed.',
    remedy: 'Let the DELETE through; then undo again.',
  },
  unknown_report: {
    exitStatus: 2,
    meaning: 'There is no report of this name.',
    remedy: 'Run `edp generate-report --list` to see the reports.',
  },
  report_failed: {
    exitStatus: 1,
    meaning: 'The SQL of a report, or its header, is wrong, or does not fit the model.',
    remedy: 'Correct the report at the place that the message names ([reports.md](reports.md)).',
  },
  too_many_rejects: {
    exitStatus: 1,
    meaning: 'More records are rejected than `--max-rejects` allows; the load is unfinished.',
    remedy: 'Run `edp rejects LOAD`; then run the command again with another limit to go on.',
  },
  interrupted: {
    exitStatus: 1,
    meaning: 'The command was stopped, a question was answered with no, or another run took over.',
    remedy: 'Run the same command again to go on.',
  },
  io: {
    exitStatus: 1,
    meaning: 'A file or directory cannot be read or written: permissions, or a full disk.',
    remedy: 'Correct the permissions or free the disk; then run the command again.',
  },
} as const satisfies Readonly<Record<string, ErrorCodeEntry>>;

export type EdpErrorCode = keyof typeof ERROR_CODES;
