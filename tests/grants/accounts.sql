-- Accounts of every kind, for MySQL 8.2 and later and MariaDB 10.5 and later; run as root on an empty private server.
-- Each begins with a line "-- NAME: what it is"; all are at localhost with the password 'test', and are judged for
-- the database civi_site. Version comments hold what only one family knows: an account may have less on the other.
-- A second line "-- on: mysql" or "-- on: mariadb" tells that the account exists there only.

CREATE DATABASE civi_site;
CREATE TABLE civi_site.civicrm_contact (id int unsigned AUTO_INCREMENT PRIMARY KEY, display_name varchar(128));
CREATE TABLE civi_site.civicrm_phone (id int unsigned AUTO_INCREMENT PRIMARY KEY, contact_id int unsigned);
INSERT INTO civi_site.civicrm_contact (display_name) VALUES ('Ada');
CREATE VIEW civi_site.civicrm_view AS SELECT id FROM civi_site.civicrm_contact;
CREATE FUNCTION civi_site.civicrm_digits(input varchar(255)) RETURNS varchar(255) DETERMINISTIC NO SQL RETURN input;
CREATE TRIGGER civi_site.civicrm_contact_before_insert BEFORE INSERT ON civi_site.civicrm_contact
  FOR EACH ROW SET NEW.display_name = 'new';
CREATE EVENT civi_site.civicrm_event ON SCHEDULE EVERY 1 YEAR DO SELECT 1;
CREATE DATABASE civixsite;
CREATE DATABASE civi_log;

-- g01_usage: may do nothing
CREATE USER g01_usage@localhost IDENTIFIED BY 'test';

-- g02_all: everything on the database, its name escaped
CREATE USER g02_all@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civi\_site`.* TO g02_all@localhost;

-- g03_all_unescaped: the same as most people write it, where the underscore matches any character
CREATE USER g03_all_unescaped@localhost IDENTIFIED BY 'test';
GRANT ALL ON civi_site.* TO g03_all_unescaped@localhost;

-- g04_root: everything everywhere, and may pass it on
CREATE USER g04_root@localhost IDENTIFIED BY 'test';
GRANT ALL ON *.* TO g04_root@localhost WITH GRANT OPTION;

-- g05_all_global: everything everywhere
CREATE USER g05_all_global@localhost IDENTIFIED BY 'test';
GRANT ALL ON *.* TO g05_all_global@localhost;

-- g06_list: the fourteen privileges that CiviCRM's guide asks for
CREATE USER g06_list@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW,
  TRIGGER, CREATE ROUTINE, ALTER ROUTINE ON `civi\_site`.* TO g06_list@localhost;

-- g07_list_references: and REFERENCES
CREATE USER g07_list_references@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW,
  TRIGGER, CREATE ROUTINE, ALTER ROUTINE, REFERENCES ON `civi\_site`.* TO g07_list_references@localhost;

-- g08_eighteen: every privilege of a database, one by one
CREATE USER g08_eighteen@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW,
  TRIGGER, CREATE ROUTINE, ALTER ROUTINE, REFERENCES, SHOW VIEW, EXECUTE, EVENT
  ON `civi\_site`.* TO g08_eighteen@localhost;

-- g09_ten: the list of CiviCRM 4.2
CREATE USER g09_ten@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES
  ON `civi\_site`.* TO g09_ten@localhost;

-- g10_no_trigger: the list but TRIGGER
CREATE USER g10_no_trigger@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW,
  CREATE ROUTINE, ALTER ROUTINE, REFERENCES ON `civi\_site`.* TO g10_no_trigger@localhost;

-- g11_no_temporary: the list but CREATE TEMPORARY TABLES and LOCK TABLES
CREATE USER g11_no_temporary@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE VIEW, TRIGGER, CREATE ROUTINE, ALTER ROUTINE,
  REFERENCES ON `civi\_site`.* TO g11_no_temporary@localhost;

-- g12_no_routine: the list but CREATE ROUTINE and ALTER ROUTINE
CREATE USER g12_no_routine@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW,
  TRIGGER, REFERENCES ON `civi\_site`.* TO g12_no_routine@localhost;

-- g13_read_only: SELECT alone
CREATE USER g13_read_only@localhost IDENTIFIED BY 'test';
GRANT SELECT ON `civi\_site`.* TO g13_read_only@localhost;

-- g14_read_global: SELECT everywhere
CREATE USER g14_read_global@localhost IDENTIFIED BY 'test';
GRANT SELECT ON *.* TO g14_read_global@localhost;

-- g15_global_and_db: half of the list everywhere, half on the database
CREATE USER g15_global_and_db@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, LOCK TABLES, TRIGGER, REFERENCES ON *.* TO g15_global_and_db@localhost;
GRANT CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE
  ON `civi\_site`.* TO g15_global_and_db@localhost;

-- g16_pattern: everything on all databases that begin with civi_
CREATE USER g16_pattern@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civi\_%`.* TO g16_pattern@localhost;

-- g17_any: everything on all databases
CREATE USER g17_any@localhost IDENTIFIED BY 'test';
GRANT ALL ON `%`.* TO g17_any@localhost;

-- g18_pattern_hidden: a pattern gives everything, but the more specific row gives SELECT alone
CREATE USER g18_pattern_hidden@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civi%`.* TO g18_pattern_hidden@localhost;
GRANT SELECT ON `civi\_site`.* TO g18_pattern_hidden@localhost;

-- g19_pattern_longer: of two patterns the longer one gives everything
CREATE USER g19_pattern_longer@localhost IDENTIFIED BY 'test';
GRANT SELECT ON `%`.* TO g19_pattern_longer@localhost;
GRANT ALL ON `civi%`.* TO g19_pattern_longer@localhost;

-- g20_pattern_tie: two patterns whose first wildcard is at the same place
CREATE USER g20_pattern_tie@localhost IDENTIFIED BY 'test';
GRANT SELECT ON `civi%`.* TO g20_pattern_tie@localhost;
GRANT ALL ON civi_site.* TO g20_pattern_tie@localhost;

-- g21_other_db: everything on another database
CREATE USER g21_other_db@localhost IDENTIFIED BY 'test';
GRANT ALL ON civixsite.* TO g21_other_db@localhost;

-- g22_letter_case: everything on a database whose name differs in letter case
CREATE USER g22_letter_case@localhost IDENTIFIED BY 'test';
GRANT ALL ON `Civi\_Site`.* TO g22_letter_case@localhost;

-- g23_tables: everything, table by table
CREATE USER g23_tables@localhost IDENTIFIED BY 'test';
GRANT ALL ON civi_site.civicrm_contact TO g23_tables@localhost;
GRANT SELECT, INSERT ON civi_site.civicrm_phone TO g23_tables@localhost;

-- g24_columns: some columns
CREATE USER g24_columns@localhost IDENTIFIED BY 'test';
GRANT SELECT (id, display_name), UPDATE (display_name) ON civi_site.civicrm_contact TO g24_columns@localhost;

-- g25_routine: one function
CREATE USER g25_routine@localhost IDENTIFIED BY 'test';
GRANT SELECT ON `civi\_site`.* TO g25_routine@localhost;
GRANT EXECUTE, ALTER ROUTINE ON FUNCTION civi_site.civicrm_digits TO g25_routine@localhost;

-- g26_role_default: everything by a role that is on by default
CREATE ROLE r_all;
GRANT ALL ON `civi\_site`.* TO r_all;
CREATE USER g26_role_default@localhost IDENTIFIED BY 'test';
GRANT r_all TO g26_role_default@localhost;
/*M!100500 SET DEFAULT ROLE r_all FOR g26_role_default@localhost */;
/*!80000 SET DEFAULT ROLE r_all TO g26_role_default@localhost */;

-- g27_role_off: the same role, not on by default
CREATE USER g27_role_off@localhost IDENTIFIED BY 'test';
GRANT r_all TO g27_role_off@localhost;

-- g28_role_of_role: a default role that has the role
CREATE ROLE r_outer;
GRANT r_all TO r_outer;
CREATE USER g28_role_of_role@localhost IDENTIFIED BY 'test';
GRANT r_outer TO g28_role_of_role@localhost;
/*M!100500 SET DEFAULT ROLE r_outer FOR g28_role_of_role@localhost */;
/*!80000 SET DEFAULT ROLE r_outer TO g28_role_of_role@localhost */;

-- g29_role_and_own: half by a default role, half by itself
CREATE ROLE r_half;
GRANT CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE
  ON `civi\_site`.* TO r_half;
CREATE USER g29_role_and_own@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, LOCK TABLES, TRIGGER, REFERENCES ON `civi\_site`.* TO g29_role_and_own@localhost;
GRANT r_half TO g29_role_and_own@localhost;
/*M!100500 SET DEFAULT ROLE r_half FOR g29_role_and_own@localhost */;
/*!80000 SET DEFAULT ROLE r_half TO g29_role_and_own@localhost */;

-- g30_role_hidden: a default role with a pattern, and a more specific row of its own with SELECT alone
CREATE ROLE r_pattern;
GRANT ALL ON `civi%`.* TO r_pattern;
CREATE USER g30_role_hidden@localhost IDENTIFIED BY 'test';
GRANT SELECT ON `civi\_site`.* TO g30_role_hidden@localhost;
GRANT r_pattern TO g30_role_hidden@localhost;
/*M!100500 SET DEFAULT ROLE r_pattern FOR g30_role_hidden@localhost */;
/*!80000 SET DEFAULT ROLE r_pattern TO g30_role_hidden@localhost */;

-- g31_role_unrelated: two rows of its own as g18, with an unrelated default role
CREATE ROLE r_log;
GRANT SELECT ON `civi\_log`.* TO r_log;
CREATE USER g31_role_unrelated@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civi%`.* TO g31_role_unrelated@localhost;
GRANT SELECT ON `civi\_site`.* TO g31_role_unrelated@localhost;
GRANT r_log TO g31_role_unrelated@localhost;
/*M!100500 SET DEFAULT ROLE r_log FOR g31_role_unrelated@localhost */;
/*!80000 SET DEFAULT ROLE r_log TO g31_role_unrelated@localhost */;

-- g32_role_admin: may pass its roles on, one of them the default
CREATE USER g32_role_admin@localhost IDENTIFIED BY 'test';
GRANT r_all TO g32_role_admin@localhost WITH ADMIN OPTION;
GRANT r_log TO g32_role_admin@localhost;
/*M!100500 SET DEFAULT ROLE r_log FOR g32_role_admin@localhost */;
/*!80000 SET DEFAULT ROLE r_log TO g32_role_admin@localhost */;

-- g33_role_global: SELECT everywhere by a default role, everything else on the database by itself
CREATE ROLE r_read;
GRANT SELECT ON *.* TO r_read;
CREATE USER g33_role_global@localhost IDENTIFIED BY 'test';
GRANT INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW, TRIGGER,
  CREATE ROUTINE, ALTER ROUTINE, REFERENCES ON `civi\_site`.* TO g33_role_global@localhost;
GRANT r_read TO g33_role_global@localhost;
/*M!100500 SET DEFAULT ROLE r_read FOR g33_role_global@localhost */;
/*!80000 SET DEFAULT ROLE r_read TO g33_role_global@localhost */;

-- g34_grant_option: everything on the database, and may pass it on
CREATE USER g34_grant_option@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civi\_site`.* TO g34_grant_option@localhost WITH GRANT OPTION;

-- g35_limits: everything on the database, a hundred questions an hour
CREATE USER g35_limits@localhost IDENTIFIED BY 'test' WITH MAX_QUERIES_PER_HOUR 1000000 MAX_USER_CONNECTIONS 50;
GRANT ALL ON `civi\_site`.* TO g35_limits@localhost;

-- g36_proxy: may act as another account
CREATE USER g36_proxy@localhost IDENTIFIED BY 'test';
GRANT SELECT ON `civi\_site`.* TO g36_proxy@localhost;
GRANT PROXY ON g02_all@localhost TO g36_proxy@localhost;

-- g37_super: the list, and SUPER
CREATE USER g37_super@localhost IDENTIFIED BY 'test';
GRANT SUPER ON *.* TO g37_super@localhost;
GRANT ALL ON `civi\_site`.* TO g37_super@localhost;

-- g38_binlog_admin: everything on the database, and the privilege split from SUPER for binary logs
CREATE USER g38_binlog_admin@localhost IDENTIFIED BY 'test';
/*M!100500 GRANT BINLOG ADMIN ON *.* TO g38_binlog_admin@localhost */;
/*!80000 GRANT BINLOG_ADMIN ON *.* TO g38_binlog_admin@localhost */;
GRANT ALL ON `civi\_site`.* TO g38_binlog_admin@localhost;

-- g39_set_definer: everything on the database, and may name other definers
CREATE USER g39_set_definer@localhost IDENTIFIED BY 'test';
/*M!100500 GRANT SET USER ON *.* TO g39_set_definer@localhost */;
/*!80200 GRANT SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER ON *.* TO g39_set_definer@localhost */;
GRANT ALL ON `civi\_site`.* TO g39_set_definer@localhost;

-- g40_variables: everything on the database, and may set the server's variables
-- on: mysql
CREATE USER g40_variables@localhost IDENTIFIED BY 'test';
/*!80000 GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO g40_variables@localhost */;
GRANT ALL ON `civi\_site`.* TO g40_variables@localhost;

-- g41_dump_tables: backup: may read and lock
CREATE USER g41_dump_tables@localhost IDENTIFIED BY 'test';
GRANT SELECT, LOCK TABLES ON `civi\_site`.* TO g41_dump_tables@localhost;

-- g42_dump_views: backup: and show views
CREATE USER g42_dump_views@localhost IDENTIFIED BY 'test';
GRANT SELECT, LOCK TABLES, SHOW VIEW ON `civi\_site`.* TO g42_dump_views@localhost;

-- g43_dump_triggers: backup: and triggers
CREATE USER g43_dump_triggers@localhost IDENTIFIED BY 'test';
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER ON `civi\_site`.* TO g43_dump_triggers@localhost;

-- g44_dump_events: backup: and events
CREATE USER g44_dump_events@localhost IDENTIFIED BY 'test';
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON `civi\_site`.* TO g44_dump_events@localhost;

-- g45_dump_execute: backup: and EXECUTE, which shows that routines exist but not what they are
CREATE USER g45_dump_execute@localhost IDENTIFIED BY 'test';
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON `civi\_site`.* TO g45_dump_execute@localhost;

-- g46_dump_read_global: backup: SELECT everywhere, which shows routines
CREATE USER g46_dump_read_global@localhost IDENTIFIED BY 'test';
GRANT SELECT ON *.* TO g46_dump_read_global@localhost;
GRANT LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON `civi\_site`.* TO g46_dump_read_global@localhost;

-- g47_dump_routines: backup: the least that shows routines
CREATE USER g47_dump_routines@localhost IDENTIFIED BY 'test';
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON `civi\_site`.* TO g47_dump_routines@localhost;
/*M!100500 GRANT SELECT ON mysql.proc TO g47_dump_routines@localhost */;
/*!80020 GRANT SHOW_ROUTINE ON *.* TO g47_dump_routines@localhost */;

-- g48_dump_show_create: backup: SHOW CREATE ROUTINE on the database
-- on: mariadb
CREATE USER g48_dump_show_create@localhost IDENTIFIED BY 'test';
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON `civi\_site`.* TO g48_dump_show_create@localhost;
/*M!110301 GRANT SHOW CREATE ROUTINE ON `civi\_site`.* TO g48_dump_show_create@localhost */;

-- g49_dump_full: backup: all that mysqldump asks for with every option
CREATE USER g49_dump_full@localhost IDENTIFIED BY 'test';
GRANT SELECT, PROCESS, RELOAD, SHOW VIEW, EVENT, TRIGGER, LOCK TABLES ON *.* TO g49_dump_full@localhost;

-- g50_dump_transaction: backup: with --single-transaction and nothing locked
CREATE USER g50_dump_transaction@localhost IDENTIFIED BY 'test';
GRANT SELECT, SHOW VIEW, TRIGGER ON `civi\_site`.* TO g50_dump_transaction@localhost;
/*!80023 GRANT FLUSH_TABLES ON *.* TO g50_dump_transaction@localhost */;

-- g51 o'brien`s: a name that needs quoting
CREATE USER `g51 o'brien``s`@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civi\_site`.* TO `g51 o'brien``s`@localhost;

-- g52_tls: everything on the database, only over an encrypted connection
CREATE USER g52_tls@localhost IDENTIFIED BY 'test' REQUIRE SSL;
GRANT ALL ON `civi\_site`.* TO g52_tls@localhost;

-- g53_no_create: the list but CREATE, DROP and INDEX
CREATE USER g53_no_create@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW, TRIGGER,
  CREATE ROUTINE, ALTER ROUTINE, REFERENCES ON `civi\_site`.* TO g53_no_create@localhost;

-- g54_pattern_prefix: of two patterns one has more before its wildcard
CREATE USER g54_pattern_prefix@localhost IDENTIFIED BY 'test';
GRANT SELECT ON `civi_%`.* TO g54_pattern_prefix@localhost;
GRANT ALL ON `civi\_s%`.* TO g54_pattern_prefix@localhost;
GRANT INSERT ON `%site`.* TO g54_pattern_prefix@localhost;

-- g55_pattern_length: one pattern has more before its wildcard, the other has more in all; families differ here
CREATE USER g55_pattern_length@localhost IDENTIFIED BY 'test';
GRANT ALL ON `civ%`.* TO g55_pattern_length@localhost;
GRANT SELECT ON `%vi\_site`.* TO g55_pattern_length@localhost;

-- g56_role_of_pattern: a default role has SELECT on the database, and its own role a pattern with everything
CREATE ROLE r_over_pattern;
GRANT SELECT ON `civi\_site`.* TO r_over_pattern;
GRANT r_pattern TO r_over_pattern;
CREATE USER g56_role_of_pattern@localhost IDENTIFIED BY 'test';
GRANT r_over_pattern TO g56_role_of_pattern@localhost;
/*M!100500 SET DEFAULT ROLE r_over_pattern FOR g56_role_of_pattern@localhost */;
/*!80000 SET DEFAULT ROLE r_over_pattern TO g56_role_of_pattern@localhost */;

-- g57_tables_and_role: SELECT and INSERT table by table, and a role not on by default that has them on the database
CREATE ROLE r_rows;
GRANT SELECT, INSERT ON `civi\_site`.* TO r_rows;
CREATE USER g57_tables_and_role@localhost IDENTIFIED BY 'test';
GRANT SELECT, INSERT ON civi_site.civicrm_contact TO g57_tables_and_role@localhost;
GRANT r_rows TO g57_tables_and_role@localhost;
