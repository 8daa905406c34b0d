-- The groups of options.
SELECT * FROM civicrm_option_group ORDER BY id
