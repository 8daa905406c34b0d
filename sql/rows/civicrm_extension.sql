-- Extensions, turned on or not.
SELECT * FROM civicrm_extension ORDER BY id
