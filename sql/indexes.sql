-- Columns of indexes. The star is for servers before MySQL 8.0.13, which have no EXPRESSION.
SELECT *
FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = DATABASE()
ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX
