-- Keys of file_format that had other names in the first versions: dialect.recordEnd, told.
-- As text: a delimiter may be NUL, which jsonb cannot hold. Quotes inside a JSON string are escaped, so that only a key
-- begins and ends with one.

UPDATE edp.loads
SET file_format = replace(replace(file_format::text,
  '"recordEnd":', '"lineEnd":'), '"told":', '"specified":')::json
WHERE file_format::text LIKE '%"recordEnd":%';
