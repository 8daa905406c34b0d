-- Which functions of shared libraries are there? Only few accounts may ask.
SELECT name FROM mysql.func
