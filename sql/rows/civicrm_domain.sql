-- Version, languages and, up to 4.6, settings of each domain.
SELECT * FROM civicrm_domain ORDER BY id
