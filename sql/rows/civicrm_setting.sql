-- Settings of the detailed log.
SELECT * FROM civicrm_setting WHERE name IN ('logging', 'logging_no_trigger_permission') ORDER BY id
