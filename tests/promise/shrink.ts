/** Makes a failing sequence smaller, as long as it still fails, and writes it down for a person. */
import { filesOf, type Project, SECTIONS } from './project.js';
import type { Sequence } from './sequence.js';
import { describeStep, type Step } from './steps.js';

const MAX_TRIES = 60;

interface Found {
  readonly sequence: Sequence;
  readonly problems: readonly string[];
}

export async function shrink(
  failing: Sequence,
  problems: readonly string[],
  run: (sequence: Sequence) => Promise<string[]>,
): Promise<Found> {
  let best: Found = { sequence: failing, problems };
  let tries = 0;
  const fails = async (candidate: Sequence): Promise<boolean> => {
    if (tries++ >= MAX_TRIES) return false;
    // What a project lacks that others need is no failure of the promise.
    const now = await run(candidate).catch(() => []);
    if (now.length === 0) return false;
    best = { sequence: candidate, problems: now };
    return true;
  };
  const at = Number(/^step (\d+)/.exec(problems[0]!)?.[1] ?? failing.steps.length);
  await fails({ ...failing, steps: failing.steps.slice(0, at - 1) });
  for (const section of [...SECTIONS].reverse()) {
    for (const name of Object.keys(best.sequence.project[section]).reverse()) {
      await fails(without(best.sequence, section, name));
    }
  }
  for (let i = 0; i < best.sequence.steps.length; ) {
    const steps = best.sequence.steps.filter((_, j) => j !== i);
    if (!(await fails({ ...best.sequence, steps }))) i++;
  }
  for (let i = 0; i < best.sequence.steps.length; i++) {
    const step = best.sequence.steps[i]!;
    if (step.op !== 'load') continue;
    for (let j = 0; j < rowsOf(best.sequence.steps[i]!).length; ) {
      const rows = rowsOf(best.sequence.steps[i]!).filter((_, k) => k !== j);
      const steps = best.sequence.steps.map((each, k) =>
        k === i ? ({ ...each, rows } as Step) : each,
      );
      if (!(await fails({ ...best.sequence, steps }))) j++;
    }
  }
  return best;
}

const rowsOf = (step: Step) => ('rows' in step ? step.rows : []);

function without(sequence: Sequence, section: keyof Project, name: string): Sequence {
  const { [name]: _, ...rest } = sequence.project[section] as Record<string, unknown>;
  const task = `${section === 'silver' ? 'silver' : 'gold'}.${name}`;
  return {
    ...sequence,
    project: { ...sequence.project, [section]: rest },
    steps: sequence.steps.flatMap((step): readonly Step[] => {
      if (step.op === 'declare')
        return step.section === section && step.name === name ? [] : [step];
      if (step.op !== 'part') return [step];
      const tasks = step.tasks.filter((each) => each !== task);
      return tasks.length === 0 ? [] : [{ ...step, tasks }];
    }),
  };
}

export function describeSequence(
  { seed, project, steps }: Sequence,
  problems: readonly string[],
): string {
  return [
    `BAD seed ${seed}`,
    ...problems.slice(0, 12).map((problem) => `  ${problem}`),
    ...Object.entries(filesOf(project)).map(
      ([name, text]) => `# ${name}\n${name === 'edp.yaml' ? sections(project) : text}`,
    ),
    ...steps.map((step, i) => `${i + 1}. ${describeStep(step)}`),
  ].join('\n');
}

function sections(project: Project): string {
  return SECTIONS.filter((section) => section !== 'models' && section !== 'views')
    .flatMap((section) =>
      Object.entries(project[section]).map(
        ([name, spec]) => `${section}.${name}: ${JSON.stringify(spec)}`,
      ),
    )
    .join('\n');
}
