-- Which databases hold a CiviCRM site that this account can see?
SELECT TABLE_SCHEMA
FROM information_schema.TABLES
WHERE TABLE_NAME = 'civicrm_domain'
ORDER BY TABLE_SCHEMA
