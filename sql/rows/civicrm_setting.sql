-- Settings of the detailed log, and the components that are on.
SELECT * FROM civicrm_setting WHERE name IN ('logging', 'logging_no_trigger_permission', 'enable_components') ORDER BY id
