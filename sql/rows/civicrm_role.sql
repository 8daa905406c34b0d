-- The roles of CiviCRM Standalone, with their permissions.
SELECT * FROM civicrm_role ORDER BY id LIMIT 1000
