-- Who is this server, and who are we to it?
SELECT VERSION() AS server_version,
       @@version_comment AS server_comment,
       CURRENT_USER() AS account_used,
       USER() AS account_given,
       DATABASE() AS current_database
