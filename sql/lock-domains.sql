-- The versions as they are, kept from changing until the transaction ends.
SELECT id, version FROM civicrm_domain ORDER BY id FOR UPDATE
