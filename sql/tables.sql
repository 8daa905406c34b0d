-- Tables and views, with what the storage engine guesses of their rows and bytes.
SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_COLLATION,
       CREATE_OPTIONS, TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE()
ORDER BY TABLE_NAME
