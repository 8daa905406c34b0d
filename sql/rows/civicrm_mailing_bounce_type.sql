-- The kinds of bounced mail, to which their patterns refer.
SELECT * FROM civicrm_mailing_bounce_type ORDER BY id
