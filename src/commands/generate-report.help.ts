/** The call of `edp generate-report` and its help. */
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'database-url',
  'list',
  'from',
  'to',
  'format',
  'safe-cells',
  'out',
  'param',
  'cache',
  'from-replica',
  'replica-url',
  'replica-wait',
] as const;

export const help: CommandHelp = {
  call: 'generate-report [name]',
  group: 'look',
  completes: ['report'],
  describe: 'Write a report: CSV, JSON, HTML with a chart, Excel, Parquet, or a table',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('name', {
        describe:
          'name of a built-in report, or of your own sql/reports/<name>.sql; all: each of them',
        type: 'string',
      })
      // One value per --param, so that the name may also come last.
      .parserConfiguration({
        'camel-case-expansion': false,
        'parse-positional-numbers': false,
        'greedy-arrays': false,
      })
      .example('$0 generate-report --list', 'list the available reports')
      .example(
        '$0 generate-report count_hourly_events_by_first_dimension',
        'write reports/count_hourly_…-<time>.csv',
      )
      .example(
        '$0 generate-report daily_metric_summary --from 2024-01-01 --to 2024-02-01',
        'January only',
      )
      .example('$0 generate-report load_history --format table', 'show it in the terminal')
      .example(
        '$0 generate-report freshness --out freshness.html',
        'a page with a chart, or .xlsx, .parquet, .json: by the suffix',
      )
      .example(
        '$0 generate-report all --out reports/today/',
        'all reports as pages, and an index.html',
      )
      .example(
        '$0 generate-report metric_totals_by_first_dimension --out - | head',
        'to a pipe; messages go to stderr',
      )
      .example(
        '$0 generate-report load_history --safe-cells',
        'for a spreadsheet: no cell is run as a formula',
      )
      .example(
        '$0 generate-report top_names --param top=10',
        'sql/reports/top_names.sql, with a parameter',
      )
      .example('$0 generate-report load_history --from-replica', 'read from a standby'),
};
