FROM scratch
COPY word /from-repository
