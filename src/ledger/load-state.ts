/** What `edp.loads.state` may be, in the order in which a load goes through them. */
export const LOAD_STATES = ['loading', 'loaded', 'undoing', 'undone'] as const;

export type LoadState = (typeof LOAD_STATES)[number];
