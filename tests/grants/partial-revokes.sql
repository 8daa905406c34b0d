-- More accounts, for MySQL 8.0.16 and later alone; run after accounts.sql. From here on the server takes wildcards in
-- the database names of grants for plain characters, and cannot be set back while one of these accounts exists.

SET GLOBAL partial_revokes = ON;

-- p01_all_but_insert: everything everywhere, but no INSERT into the database
CREATE USER p01_all_but_insert@localhost IDENTIFIED BY 'test';
GRANT ALL ON *.* TO p01_all_but_insert@localhost;
REVOKE INSERT ON civi_site.* FROM p01_all_but_insert@localhost;

-- p02_all_but_other: everything everywhere, but nothing of another database
CREATE USER p02_all_but_other@localhost IDENTIFIED BY 'test';
GRANT ALL ON *.* TO p02_all_but_other@localhost;
REVOKE ALL ON civixsite.* FROM p02_all_but_other@localhost;

-- p03_given_back: SELECT everywhere but here, where the database's own row gives it back
CREATE USER p03_given_back@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT ON *.* TO p03_given_back@localhost;
REVOKE SELECT, INSERT ON civi_site.* FROM p03_given_back@localhost;
GRANT SELECT ON civi_site.* TO p03_given_back@localhost;

-- p04_unescaped: everything on the database, its name as it is
CREATE USER p04_unescaped@localhost IDENTIFIED BY 'test';
GRANT ALL ON civi_site.* TO p04_unescaped@localhost;

-- p05_escaped: everything on the database, its underscore escaped
CREATE USER p05_escaped@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civi\_site`.* TO p05_escaped@localhost;

-- p06_role_revoked: everything everywhere by a default role, but no INSERT into the database
CREATE ROLE r_revoked;
GRANT ALL ON *.* TO r_revoked;
REVOKE INSERT ON civi_site.* FROM r_revoked;
CREATE USER p06_role_revoked@localhost IDENTIFIED BY 'test';
GRANT r_revoked TO p06_role_revoked@localhost;
SET DEFAULT ROLE r_revoked TO p06_role_revoked@localhost;
