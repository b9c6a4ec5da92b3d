-- What corrections that columns declare have done to the records of a split.

ALTER TABLE edp.receipts
  ADD COLUMN corrections jsonb;               -- 'correction column' → records; null for none
