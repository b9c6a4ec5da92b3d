import { expect, it } from 'vitest';
import { assertSameConditions, type Conditions } from '../../bench/report/earlier.js';

const THEN: Conditions = {
  options: { scale: 1, rounds: 5, processCount: 2 },
  machine: { cpu: 'c', cores: 2, memoryBytes: 1, system: 's', kernel: 'k' },
  versions: { edp: '1 (commit a)' },
  serverSettings: { shared_buffers: '16MB' },
  contenders: [{ name: 'psql', title: 'psql', version: '18' }],
};

it('goes on under the same conditions', () => {
  expect(() => assertSameConditions(THEN, structuredClone(THEN))).not.toThrow();
});

it.each<[string, Partial<Conditions>]>([
  ['options', { options: { ...THEN.options, contenders: ['edp'] } }],
  ['machine', { machine: { ...THEN.machine, cores: 4 } }],
  ['versions', { versions: { edp: '1 (commit b)' } }],
  ['serverSettings', { serverSettings: { shared_buffers: '128MB' } }],
  ['contenders', { contenders: [{ name: 'psql', title: 'psql', remedy: 'install it' }] }],
])('refuses other %s', (name, change) => {
  expect(() => assertSameConditions(THEN, { ...THEN, ...change })).toThrow(`${name} differ`);
});
