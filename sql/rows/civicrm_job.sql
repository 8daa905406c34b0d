-- Scheduled jobs; there are some dozens.
SELECT * FROM civicrm_job ORDER BY id LIMIT 1000
