-- Columns. The star is for servers before MySQL 5.7.6 and MariaDB 10.2.5, which have no GENERATION_EXPRESSION.
SELECT *
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE()
ORDER BY TABLE_NAME, ORDINAL_POSITION
