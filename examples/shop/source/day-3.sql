-- Somebody types a word where a number was, and an order is taken back.
UPDATE clients SET credit = 'unlimited' WHERE id = 1;
DELETE FROM orders WHERE id = 3;
