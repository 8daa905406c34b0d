-- How many foreign keys of other databases lead to a table of this one?
SELECT COUNT(*)
FROM information_schema.KEY_COLUMN_USAGE
WHERE REFERENCED_TABLE_SCHEMA = DATABASE()
  AND REFERENCED_TABLE_NAME = 'TABLE'
  AND TABLE_SCHEMA <> DATABASE()
