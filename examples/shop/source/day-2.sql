-- A day of work. Each statement is a transaction of its own, but for the one that is rolled back.
INSERT INTO clients VALUES (4, 'Chidi', 'Okafor', 'lo', '400.00');
INSERT INTO orders VALUES (3, 4, 'open', '2026-03-02 08:05:00+00');
INSERT INTO order_lines VALUES (3, 1, 'kettle', 2, 39.90);
UPDATE order_lines SET quantity = 2 WHERE order_id = 2;
UPDATE orders SET status = 'paid' WHERE id IN (2, 3);
UPDATE clients SET risk = 'lo' WHERE id = 2;
UPDATE clients SET is_demo = false, first_name = 'Vera' WHERE id = 3;
BEGIN; DELETE FROM orders; ROLLBACK;
