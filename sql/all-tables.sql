-- Is there any table on this server, and does this account see all of them? Who has SELECT on everything does.
SELECT (SELECT COUNT(*) FROM information_schema.TABLES
        WHERE TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')) AS tables_seen,
       (SELECT MIN(CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)) FROM information_schema.TABLES
        WHERE TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')) AS example,
       (SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES
        WHERE PRIVILEGE_TYPE = 'SELECT'
          AND GRANTEE = CONCAT('''', SUBSTRING(CURRENT_USER(), 1, CHAR_LENGTH(CURRENT_USER()) - 1 -
                CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1))),
              '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')) AS sees_all
