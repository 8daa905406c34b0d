-- Settings of the detailed log.
SELECT * FROM civicrm_setting WHERE name LIKE '%logging%' ORDER BY id
