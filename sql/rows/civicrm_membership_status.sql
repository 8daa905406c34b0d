-- Rules for the status of memberships, of which the membership job needs one by its name.
SELECT * FROM civicrm_membership_status ORDER BY id
