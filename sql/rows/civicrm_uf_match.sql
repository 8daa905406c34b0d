-- Which account of the CMS is which contact; the column of the domain came with 3.0.
SELECT * FROM civicrm_uf_match ORDER BY id LIMIT 100000
