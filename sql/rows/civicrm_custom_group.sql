-- Groups of custom fields, each with a table of its own.
SELECT * FROM civicrm_custom_group ORDER BY id
