-- What may this account do? Roles that are active are spelled out with it.
SHOW GRANTS
