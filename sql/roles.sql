-- Which roles are active? MariaDB answers NULL, MySQL 'NONE' when none is; older servers know no roles.
SELECT CURRENT_ROLE() AS roles
