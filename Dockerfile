# One image for all four processes: `docker run IMAGE gateway|users|chat|discovery`.

FROM node:24-slim AS web
WORKDIR /build/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md hatch_build.py ./
COPY scripts/build_web.py scripts/
RUN python -m venv /opt/chatterroom \
 && /opt/chatterroom/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY src src
COPY --from=web /build/src/chatterroom/web_files src/chatterroom/web_files
RUN /opt/chatterroom/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home chatterroom \
 && install -d -o chatterroom -g chatterroom -m 700 /run/chatterroom/secrets \
    /run/chatterroom/all-secrets /run/chatterroom/shares \
 && for holder in gateway users chat discovery users-mongo chat-mongo redis discovery-redis; do \
      install -d -o chatterroom -g chatterroom -m 700 /run/chatterroom/shares/$holder; done
COPY --from=build /opt/chatterroom /opt/chatterroom
ENV PATH=/opt/chatterroom/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CHATTERROOM_HOST=0.0.0.0 \
    CHATTERROOM_LOG_FORMAT=json \
    CHATTERROOM_SECRETS_DIR=/run/chatterroom/secrets \
    CHATTERROOM_GRPC_PORT=50051 \
    CHATTERROOM_WEBSOCKET_PORT=8081
USER chatterroom
# The gateway has an HTTP check of its own in compose.yaml.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["chatterroom", "health", "127.0.0.1:50051"]
ENTRYPOINT ["chatterroom"]
CMD ["--help"]
