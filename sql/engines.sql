-- Which storage engines are there?
SELECT ENGINE, SUPPORT FROM information_schema.ENGINES
