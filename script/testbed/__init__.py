"""A private PostgreSQL and Redis for the tests, and the browser they need (`script/test`)."""
