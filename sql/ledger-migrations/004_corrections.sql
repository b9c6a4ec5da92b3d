-- Counts of the corrections in the records of a split.

ALTER TABLE edp.receipts
  ADD COLUMN corrections jsonb;               -- 'correction column' -> records; null for none
