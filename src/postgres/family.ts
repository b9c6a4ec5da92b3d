/** A table with all its partitions and children, as a query's beginning; $1 is the table's oid. */
export const FAMILY = `WITH RECURSIVE family AS (
  SELECT $1::oid AS oid
  UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = family.oid)`;
