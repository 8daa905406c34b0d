-- CHECK constraints. MariaDB names their table here, MySQL does not.
SELECT *
FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = DATABASE()
