/** The figures of this process, and of the machine where it runs. */
import os from 'node:os';
import type { MetricsRegistry } from './metrics-registry.js';

export function addMachineFigures(registry: MetricsRegistry): void {
  let cpuSeconds = 0;
  let before = readCpus();
  registry.addFigures(() => {
    const { user, system } = process.cpuUsage();
    const now = (user + system) / 1e6;
    registry.put('edp_process_cpu_seconds_total', {}, now - cpuSeconds);
    cpuSeconds = now;
    registry.put('edp_process_resident_memory_bytes', {}, process.memoryUsage.rss());
    registry.put('edp_host_memory_bytes', {}, os.totalmem() - os.freemem());
    const cpus = readCpus();
    const total = cpus.total - before.total;
    // The system counts in ticks of some milliseconds.
    if (total > 0) registry.put('edp_host_cpu_ratio', {}, (cpus.busy - before.busy) / total);
    before = cpus;
  });
}

/** Since the machine was started, of all CPUs. */
function readCpus(): { readonly busy: number; readonly total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of os.cpus()) {
    const sum = Object.values(times).reduce((all, ms) => all + ms, 0);
    total += sum;
    busy += sum - times.idle;
  }
  return { busy, total };
}
