-- Accounts of the sample's server: the site's own one, and some that may back up a little less each.
CREATE USER civi@localhost IDENTIFIED BY 'civi';
GRANT ALL ON *.* TO civi@localhost;
CREATE USER no_trigger@localhost, no_execute@localhost, no_definition@localhost;
GRANT SELECT, LOCK TABLES, SHOW VIEW ON civicrm.* TO no_trigger@localhost;
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON civicrm.* TO no_execute@localhost;
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON civicrm.* TO no_definition@localhost;
