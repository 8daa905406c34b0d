-- When were the rows of each table changed last, and does its storage engine keep those of one moment?
SELECT TABLE_NAME AS table_name, ENGINE AS engine, UPDATE_TIME AS update_time
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'
