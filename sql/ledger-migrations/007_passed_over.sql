-- What a load passed over: comments, blank lines, headers, preambles, footers. Together with the records it is
-- the whole text, to the byte. Null in what an older edp wrote: not counted then.
--
-- Kinds and counts: {"blank": {"lines": 2, "bytes": 3}, ...}, line ends included; {} for none.

ALTER TABLE edp.receipts
  ADD COLUMN record_bytes bigint,             -- of the records of the split, line ends included
  ADD COLUMN passed_over jsonb,               -- lines between them: comment, blank, header (the header line again)
  ADD CONSTRAINT receipts_whole CHECK (
    record_bytes
    + coalesce((passed_over #>> '{comment,bytes}')::bigint, 0)
    + coalesce((passed_over #>> '{blank,bytes}')::bigint, 0)
    + coalesce((passed_over #>> '{header,bytes}')::bigint, 0) = end_byte - start_byte);

-- What lies before the first record and behind the last one belongs to no split; a file without records has
-- no receipt. So it is counted in the load. For a complete load:
--     bytes of head_passed_over + receipts + bytes of tail_passed_over = text_bytes
ALTER TABLE edp.loads
  ADD COLUMN head_passed_over jsonb,          -- preamble, header, comment, blank; mark: a byte order mark
  ADD COLUMN tail_passed_over jsonb,          -- footer, comment, blank; null until the load is complete
  ADD COLUMN text_bytes bigint;               -- length of the text, unpacked, as UTF-8; null until it is complete
