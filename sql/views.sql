-- Views. The query is empty when the account may not see it.
SELECT TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, DEFINER
FROM information_schema.VIEWS
WHERE TABLE_SCHEMA = DATABASE()
ORDER BY TABLE_NAME
