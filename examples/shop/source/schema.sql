-- A small shop, as its application made it: nothing here knows of a warehouse.
CREATE TABLE clients (
  id bigint PRIMARY KEY,
  first_name text NOT NULL,
  last_name text NOT NULL,
  risk text,                      -- L, lo, H, …: whatever the form of that year sent
  credit text,                    -- a number, as somebody typed it
  is_demo boolean NOT NULL DEFAULT false
);
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  client bigint NOT NULL REFERENCES clients,
  status text NOT NULL DEFAULT 'open',
  ordered_at timestamptz NOT NULL
);
CREATE TABLE order_lines (
  order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  line int NOT NULL,
  product text NOT NULL,
  quantity int NOT NULL,
  price numeric(10,2) NOT NULL,
  PRIMARY KEY (order_id, line)
);
-- What the shop charges is computed, and stored nowhere.
CREATE FUNCTION order_total(bigint) RETURNS numeric STABLE LANGUAGE sql AS
  'SELECT coalesce(sum(quantity * price), 0) FROM order_lines WHERE order_id = $1';

INSERT INTO clients VALUES
  (1, 'Ada', 'Moreau', 'L', '1000.00', false),
  (2, 'Bo', 'Lindqvist', 'H', '250.00', false),
  (3, 'Test', 'Account', 'L', '0', true);
INSERT INTO orders VALUES (1, 1, 'paid', '2026-03-01 09:12:00+00'), (2, 2, 'open', '2026-03-01 17:40:00+00');
INSERT INTO order_lines VALUES (1, 1, 'kettle', 1, 39.90), (1, 2, 'cup', 4, 6.50), (2, 1, 'lamp', 1, 120.00);
