-- The countries, to which states refer.
SELECT * FROM civicrm_country ORDER BY id
