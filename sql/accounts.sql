-- Which accounts exist? Only few accounts may ask.
SELECT User, Host FROM mysql.user
