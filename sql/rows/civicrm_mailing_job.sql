-- Mailings that go out now, or wait for their time.
SELECT * FROM civicrm_mailing_job WHERE status IN ('Running', 'Scheduled') ORDER BY id LIMIT 1000
