/** `edp rejects --passed-over`: prints the lines of a load's file that are no records. */
import { EXIT } from '../base/errors.js';
import { PASSED_OVER_KINDS } from '../formats/text/passed-over.js';
import { getLoad, openLedger } from '../ledger/ledger-queries.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { withDatabase } from '../postgres/database.js';
import { withSpool } from '../source/spool.js';
import { formatCount, type Output, safeText } from '../terminal/output.js';
import { listPassedOver, type PassedOverLine } from '../upkeep/passed-over/list-passed-over.js';
import type { Invocation } from './command.js';
import type { PassedOverJson, PassedOverLineJson } from './json/ledger.schema.js';
import { OPTION_NAMES } from './rejects.help.js';
import { JsonInParts } from './shared/json-in-parts.js';
import { rawJson } from './shared/raw-json.js';

const MAX_LINE_SHOWN = 200;
const LINE_END = /[\r\n]+$/;

/** @returns the exit status */
export async function showPassedOver(
  { given, project, output, signal }: Invocation,
  loadId: number,
): Promise<number> {
  const options = resolveOptions(OPTION_NAMES, given, project.options);
  const { directory } = project;
  // Without --limit, a few are shown, but all are written.
  const isShown = !options.raw && !output.isJson;
  const limit = given.limit === undefined && !isShown ? Number.POSITIVE_INFINITY : options.limit;
  const file = given.file === undefined ? undefined : String(given.file);
  return withDatabase({ databaseUrl: options.databaseUrl, directory }, ({ client: config }) =>
    withSpool(directory, (spool) =>
      withClient(config, 'rejects', async (client) => {
        await openLedger(client);
        const printer = options.raw ? rawPrinter(output) : printerFor(output);
        let taken = 0;
        await listPassedOver(
          client,
          { loadId, file, directory },
          spool,
          { note: (text) => output.note(text), signal },
          async (line) => {
            if (taken === limit) return false;
            taken++;
            await printer.take(line);
            return true;
          },
        );
        await printer.end();
        if (isShown) await printCounts(output, await getLoad(client, loadId), taken);
        return EXIT.done;
      }),
    ),
  );
}

interface Printer {
  take(line: PassedOverLine): Promise<void>;
  end(): Promise<void>;
}

const nothing = async () => {};

function printerFor(output: Output): Printer {
  return output.isJson ? jsonPrinter(output) : textPrinter(output);
}

/** The lines exactly as they are in the file. */
function rawPrinter(output: Output): Printer {
  return { take: ({ raw }) => output.write(raw), end: nothing };
}

function jsonPrinter(output: Output): Printer {
  const empty: PassedOverJson = { command: 'rejects', ok: true, passedOver: [] };
  const parts = new JsonInParts(output, empty);
  return { take: (line) => parts.add(toJson(line)), end: () => parts.end() };
}

function toJson({ raw, ...line }: PassedOverLine): PassedOverLineJson {
  const length = raw.toString('latin1').replace(LINE_END, '').length;
  const content = raw.subarray(0, length);
  return { ...line, bytes: raw.length, ...rawJson(content) };
}

/** A line on two: where and what it is, and its text. */
function textPrinter(output: Output): Printer {
  return {
    take: async ({ path, line, byteOffset, kind, raw }) => {
      output.line(`${safeText(path)}:${line} (byte ${byteOffset}) ${kind}`);
      const text = raw.toString('utf8').replace(LINE_END, '');
      const shown = text.length > MAX_LINE_SHOWN ? `${text.slice(0, MAX_LINE_SHOWN)}…` : text;
      if (shown !== '') output.line(`    ${safeText(shown)}`);
    },
    end: nothing,
  };
}

async function printCounts(
  output: Output,
  { loadId, passedOver }: Awaited<ReturnType<typeof getLoad>>,
  shown: number,
): Promise<void> {
  if (shown === 0) output.line(`load ${loadId} passed over no line`);
  if (passedOver === null) return;
  const kinds = PASSED_OVER_KINDS.filter((kind) => passedOver[kind] > 0);
  if (kinds.length === 0) return;
  output.line();
  output.table(
    ['passed over', 'lines'],
    kinds.map((kind) => [kind, formatCount(passedOver[kind])]),
  );
  const total = kinds.reduce((sum, kind) => sum + passedOver[kind], 0);
  if (total > shown) {
    output.line(
      `showed the first ${shown} of ${formatCount(total)}; --limit shows more, --raw all`,
    );
  }
}
