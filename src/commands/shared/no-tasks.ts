/** What commands of the warehouse say of an edp.yaml without one. */
export const NO_TASKS = 'edp.yaml declares no silver, dimensions, facts, models or views';
