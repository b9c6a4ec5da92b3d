/** Plants a fault in a project, and mends it with exactly what the doctor prints. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { expect } from 'vitest';
import { PLACE_CHECKS, SERVER_CHECKS } from '../../src/doctor/all-checks.js';
import { CLI, cleanEnvironment, makeDirectory } from '../support/cli.js';
import { type JsonOf, parseResult } from '../support/json.js';

export type Doctor = JsonOf<'doctor'>;
export type Finding = Doctor['findings'][number];

export interface Examined {
  readonly cwd: string;
  /** Beside the clean environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A folder with a program `edp` in it, for PATH. */
export async function makeProgram(): Promise<string> {
  const folder = await makeDirectory();
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const program = path.join(folder, 'edp');
  await writeFile(program, `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(CLI)} "$@"\n`);
  await chmod(program, 0o755);
  return folder;
}

/** Runs lines of a shell in the project, with `edp` in PATH. */
export async function shell(
  script: string,
  { cwd, env }: Examined,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const bin = await makeProgram();
  const child = spawn('sh', ['-c', script], {
    cwd,
    env: { ...cleanEnvironment(), ...env, PATH: `${bin}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { status, stdout, stderr };
}

const SEVERITIES_OF: ReadonlyMap<string, readonly string[]> = new Map(
  [...PLACE_CHECKS, ...SERVER_CHECKS].map(({ name, severities }) => [name, severities]),
);

/** @param before lines of a shell that run first, in the same shell */
export async function examine(examined: Examined, before = ''): Promise<Doctor> {
  const { status, stdout, stderr } = await shell(`${before}\nedp doctor --json`, examined);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  expect(last, stderr).not.toBe('');
  const json = parseResult<'doctor'>(last);
  expect(status).toBe(json.ok ? 0 : 1);
  for (const { check, severity } of json.findings) {
    const severities = SEVERITIES_OF.get(check);
    // What docs/doctor.md says of it.
    if (severities !== undefined) expect(severities, check).toContain(severity);
  }
  return json;
}

export const named = ({ findings }: Doctor, check: string) =>
  findings.filter((finding) => finding.check === check);

/** What an examination found that another one did not. */
export function added(now: Doctor, before: Doctor): string[] {
  const known = new Set(before.findings.map(({ check, problem }) => `${check} ${problem}`));
  const fresh = now.findings.filter(({ check, problem }) => !known.has(`${check} ${problem}`));
  return [...new Set(fresh.map(({ check }) => check))];
}

/**
 * Does what the mends of a finding say, in their order: SQL in one session, lines into edp.yaml.
 *
 * @returns commands, for the shell in which the doctor looks again
 */
export async function mend(
  finding: Finding,
  { cwd }: Examined,
  query?: pg.Client,
): Promise<string> {
  const commands: string[] = [];
  for (const { kind, text } of finding.mend) {
    if (kind === 'sql') {
      expect(query, 'a session for SQL').toBeDefined();
      await query!.query(text);
    } else if (kind === 'edp.yaml') {
      const file = path.join(cwd, 'edp.yaml');
      const old = await readFile(file, 'utf8').catch(() => '');
      const key = text.slice(0, text.indexOf(':') + 1);
      const others = old.split('\n').filter((line) => line !== '' && !line.startsWith(key));
      await writeFile(file, `${[text, ...others].join('\n')}\n`);
    } else if (kind === 'command') commands.push(text);
  }
  return commands.join('\n');
}

export async function makePlace(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const cwd = await makeDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(cwd, name)), { recursive: true });
    await writeFile(path.join(cwd, name), text);
  }
  return cwd;
}
