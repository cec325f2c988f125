"""Every rule, one table a subject. BK1 syntax, BK2 evaluation, BK3 definitions, BK4 Compose, BK5 Dockerfiles,
BK6 plans, BK7 runtime, BK8 lint, BK9 command line. Import the table of a subject from its module."""
