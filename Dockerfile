# hladr with its locked dependencies. For research use only, not for diagnostic use.
#   docker build -t hladr .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD/study:/study" hladr run /study
FROM python:3.11-slim-bookworm

# LOGNAME: Snakemake asks for the name of the user, and the number given by --user has none in here.
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    HOME=/tmp \
    LOGNAME=hladr \
    MPLCONFIGDIR=/tmp/matplotlib

WORKDIR /opt/hladr
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md LICENSE Snakefile ./
COPY config ./config
COPY workflow ./workflow
COPY hladr ./hladr
RUN pip install --no-deps . && python -m compileall -q /usr/local/lib/python3.11/site-packages/hladr

WORKDIR /study
USER 1000
ENTRYPOINT ["hladr"]
CMD ["--help"]
